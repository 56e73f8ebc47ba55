import type { FlowQuery } from '../explain/explain.js'
import { type PathStep, pathSteps } from '../input/path.js'
import type { WrittenObject } from '../output/written.js'
import { type Direction, type Origin, protocolNumbers } from '../policy/rule.js'
import type { ObjectKey } from '../event/event.js'
import { valueAt } from './document.js'
import { blockOf, type FlowEnd, labelChoices } from './flow-end.js'
import { namespaceNameKey } from '../identity/labels.js'

/** How the kinds of policies spell their rules. */
export type Spelling = 'kubernetes' | 'cilium' | 'cluster' | 'admin'

const spellings: Readonly<Record<string, Spelling>> = {
  NetworkPolicy: 'kubernetes',
  CiliumNetworkPolicy: 'cilium',
  CiliumClusterwideNetworkPolicy: 'cilium',
  ClusterNetworkPolicy: 'cluster',
  AdminNetworkPolicy: 'admin',
  BaselineAdminNetworkPolicy: 'admin',
}

export const spellingOf = (kind: string): Spelling | undefined => spellings[kind]

/** The object that a rule is of; undefined of a built-in rule. */
export function policyKeyOf({ policy, seq }: Origin): ObjectKey | undefined {
  const [kind = '', name = ''] = policy.split(' ')
  if (seq === 0 || spellings[kind] === undefined) return undefined
  const slash = name.indexOf('/')
  return { kind, namespace: slash < 0 ? '' : name.slice(0, slash), name: name.slice(slash + 1) }
}

type Map = Readonly<Record<string, unknown>>

/** Something at a place of a document. */
export interface Placed<Value> {
  readonly steps: readonly PathStep[]
  readonly value: Value
}

export const placed = <Value>(document: WrittenObject, steps: readonly PathStep[]): Placed<Value> | undefined => {
  const value = valueAt(document, steps)
  return value === undefined ? undefined : { steps, value: value as Value }
}

/** The rule at a path; undefined where the path is of something else, such as what isolates. */
export function ruleAt(document: WrittenObject, path: string): Placed<Map> | undefined {
  const steps = pathSteps(path)
  return typeof steps.at(-1) === 'number' && steps.length > 2 ? placed(document, steps) : undefined
}

/** The sections of a policy whose rules say what passes in a direction, each with the rules that it has. */
export function allowSections(document: WrittenObject, direction: Direction): readonly Placed<readonly Map[]>[] {
  const specs = [
    ...(document.spec === undefined ? [] : [['spec']]),
    ...((document.specs as readonly unknown[] | undefined) ?? []).map((_, index) => ['specs', index]),
  ]
  return specs.map(steps => {
    const section = [...steps, direction]
    return placed<readonly Map[]>(document, section) ?? { steps: section, value: [] }
  })
}

const listsOf = (document: WrittenObject, rule: Placed<Map>, names: RegExp): readonly Placed<readonly unknown[]>[] =>
  Object.entries(rule.value).flatMap(([name, value]) =>
    names.test(name) && Array.isArray(value) ? [placed<readonly unknown[]>(document, [...rule.steps, name])!] : [],
  )

/** The lists of a rule's peers. */
export const peerLists = (document: WrittenObject, rule: Placed<Map>): readonly Placed<readonly unknown[]>[] =>
  listsOf(document, rule, /^(?:from|to)(?!Ports$)[A-Z]?/)

/** The lists of a rule's ports. */
export function portLists(document: WrittenObject, rule: Placed<Map>): readonly Placed<readonly unknown[]>[] {
  const entries = (rule.value.toPorts as readonly Map[] | undefined) ?? []
  return [
    ...listsOf(document, rule, /^(?:ports|protocols)$/),
    ...entries.map((_, index) => placed<readonly unknown[]>(document, [...rule.steps, 'toPorts', index, 'ports'])!),
  ]
}

const transport: ReadonlyMap<number, string> = new Map([
  [protocolNumbers.TCP, 'TCP'],
  [protocolNumbers.UDP, 'UDP'],
  [protocolNumbers.SCTP, 'SCTP'],
])

/** The port of a flow as an item of a list of ports; undefined of what has no ports. */
export function writtenPort(spelling: Spelling, { protocol, port }: FlowQuery): Map | undefined {
  const name = transport.get(protocol)
  if (name === undefined) return undefined
  switch (spelling) {
    case 'kubernetes':
      return { protocol: name, port }
    case 'cilium':
      return { port: String(port), protocol: name }
    case 'cluster':
      return { [name.toLowerCase()]: { destinationPort: { number: port } } }
    case 'admin':
      return { portNumber: { protocol: name, port } }
  }
}

/** The fields of a rule that say which ports it is of; none where it has to be of all. */
export function portFields(spelling: Spelling, flow: FlowQuery): Map {
  const port = writtenPort(spelling, flow)
  if (spelling === 'cilium') {
    const family = flow.protocol === protocolNumbers.ICMP ? 'IPv4' : 'IPv6'
    return port === undefined
      ? { icmps: [{ fields: [{ family, type: flow.port >> 8 }] }] }
      : { toPorts: [{ ports: [port] }] }
  }
  return port === undefined ? {} : { [spelling === 'cluster' ? 'protocols' : 'ports']: [port] }
}

/** A list of peers with the one that names somebody: `from`, `toCIDRSet`. */
export interface NamedPeer {
  readonly field: string
  readonly peer: unknown
}

/** Ways to name somebody as a peer, the narrowest first. */
export function writtenPeers(
  spelling: Spelling,
  direction: Direction,
  namespace: string,
  end: FlowEnd,
): readonly NamedPeer[] {
  const prefix = direction === 'ingress' ? 'from' : 'to'
  if (end.kind === 'pod')
    return labelChoices(end.labels).map(labels => {
      const podSelector = selecting(labels)
      const isOwn = end.namespace === namespace
      const place = { matchLabels: { [namespaceNameKey]: end.namespace } }
      if (spelling === 'kubernetes')
        return { field: prefix, peer: { ...(!isOwn && { namespaceSelector: place }), podSelector } }
      if (spelling !== 'cilium') return { field: prefix, peer: { pods: { namespaceSelector: place, podSelector } } }
      const where = isOwn ? {} : { 'k8s:io.kubernetes.pod.namespace': end.namespace }
      return { field: `${prefix}Endpoints`, peer: selecting({ ...where, ...labels }) }
    })
  if (spelling === 'kubernetes') return [{ field: prefix, peer: { ipBlock: { cidr: blockOf(end.address) } } }]
  if (spelling !== 'cilium')
    return direction === 'ingress' ? [] : [{ field: prefix, peer: { networks: [blockOf(end.address)] } }]
  if (end.kind === 'node') return [{ field: `${prefix}Entities`, peer: end.isHost ? 'host' : 'remote-node' }]
  return [{ field: `${prefix}CIDRSet`, peer: { cidr: blockOf(end.address) } }]
}

const selecting = (labels: Readonly<Record<string, string>>): Map =>
  Object.keys(labels).length === 0 ? {} : { matchLabels: labels }
