import { right } from 'fp-ts/lib/Either.js'
import type { Problem } from '../../errors.js'
import type { CiliumDirectionRule, CiliumPortRule, CiliumRule } from '../../event/cilium.js'
import type { PortRange } from '../../policy/rule.js'
import { fieldPath } from '../path.js'
import { flag, listOf, oneOf, optional, optionalText, type Reader, record, text, andThen } from '../reader.js'
import { sortedUnique } from '../selector.js'
import { alsoChecked, filled, forbidden, isGiven, matching, present, within } from '../shape.js'
import { icmps } from './icmp.js'
import { mixedPeers, peerFields, peersOf } from './peers.js'
import { ciliumSelector } from './selector.js'
import { allowedPorts, deniedPorts } from './to-ports.js'

type Section = 'ingress' | 'ingressDeny' | 'egress' | 'egressDeny'

const authentication = record({ mode: oneOf(['disabled', 'required', 'test-always-fail']) })

const noAuthentication = forbidden('a deny rule has no authentication', 'authentication in ingress or egress')

/** One rule of a section. */
const directionRule = (section: Section, clusterwide: boolean): Reader<CiliumDirectionRule> => {
  const deny = section.endsWith('Deny')
  const ingress = section.startsWith('ingress')
  const prefix = ingress ? 'from' : 'to'
  const ports: Reader<readonly CiliumPortRule[]> = deny ? deniedPorts : allowedPorts({ ingress, clusterwide })
  const fields = record({
    ...peerFields(prefix, deny),
    toPorts: optional(ports, undefined),
    icmps: optional(icmps, undefined),
    authentication: deny ? noAuthentication : optional(authentication, undefined),
  })
  const check = (raw: Readonly<Record<string, unknown>>, path: string): readonly Problem[] => {
    const beside = hasItems(raw, 'icmps') && hasItems(raw, 'toPorts')
    return [...mixedPeers(prefix, raw, path), ...(beside ? [icmpsBesidePorts(path)] : [])]
  }
  return andThen(alsoChecked(fields, check), (read, path) => {
    const auth = read.authentication as { readonly mode: CiliumDirectionRule['authentication'] } | undefined
    const parts = {
      peers: peersOf(prefix, read),
      ports: nonEmpty(read.toPorts as readonly CiliumPortRule[] | undefined),
      icmps: nonEmpty(read.icmps as readonly PortRange[] | undefined),
      authentication: auth?.mode,
    }
    return right({ path, ...present(parts) })
  })
}

const hasItems = (raw: Readonly<Record<string, unknown>>, field: string): boolean => {
  const list = Object.hasOwn(raw, field) ? raw[field] : undefined
  return Array.isArray(list) && list.length > 0
}

const icmpsBesidePorts = (path: string): Problem => ({
  path: fieldPath(path, 'icmps'),
  message: 'icmps stands beside toPorts',
  expected: 'a rule of its own for icmps',
})

const nonEmpty = <A>(list: readonly A[] | undefined): readonly A[] | undefined =>
  list === undefined || list.length === 0 ? undefined : list

const label: Reader<string> = andThen(
  record({
    key: filled(text, 'the key of a label'),
    source: optionalText(text, 'unspec'),
    value: optionalText(text, ''),
  }),
  ({ key, source, value }) => right(`${source}:${key}${value === '' ? '' : `=${value}`}`),
)

const logValue = matching(within(text, 32), /^\P{C}*$/u, 'printable text', 'text without control characters')

const nodesElsewhere = forbidden(
  'nodes are the subject of a CiliumClusterwideNetworkPolicy alone',
  'endpointSelector, or a CiliumClusterwideNetworkPolicy',
)

const sections = ['ingress', 'ingressDeny', 'egress', 'egressDeny'] as const

/** Exactly one subject, and at least one section, if only an empty one. */
const ruleProblems =
  (subjects: readonly string[]) =>
  (raw: Readonly<Record<string, unknown>>, path: string): readonly Problem[] => {
    const given = subjects.filter(name => isGiven(raw, name))
    const message = given.length === 0 ? 'this field is required' : `${given.join(' and ')} stand side by side`
    const expected = subjects.length === 1 ? subjects[0]! : `exactly one of ${subjects.join(', ')}`
    return [
      ...(given.length === 1 ? [] : [{ path, message, expected }]),
      ...(sections.some(name => isGiven(raw, name))
        ? []
        : [{ path, message: 'this rule has no section', expected: `at least one of ${sections.join(', ')}` }]),
    ]
  }

/** `spec`, or an item of `specs`. */
export const ciliumRule = (clusterwide: boolean): Reader<CiliumRule> => {
  const section = (name: Section) => optional(listOf(directionRule(name, clusterwide)), undefined)
  const fields = record({
    endpointSelector: optional(ciliumSelector, undefined),
    nodeSelector: clusterwide ? optional(ciliumSelector, undefined) : nodesElsewhere,
    ingress: section('ingress'),
    ingressDeny: section('ingressDeny'),
    egress: section('egress'),
    egressDeny: section('egressDeny'),
    enableDefaultDeny: optional(
      record({ ingress: optional(flag, undefined), egress: optional(flag, undefined) }),
      undefined,
    ),
    description: optionalText(text, undefined),
    labels: optional(listOf(label), [] as readonly string[]),
    log: optional(record({ value: optionalText(logValue, undefined) }), undefined),
  })
  const subjects = clusterwide ? ['endpointSelector', 'nodeSelector'] : ['endpointSelector']
  return andThen(alsoChecked(fields, ruleProblems(subjects)), (read, path) => {
    const { endpointSelector, nodeSelector } = read
    const subject: CiliumRule['subject'] =
      endpointSelector === undefined
        ? { kind: 'nodes', selector: nodeSelector! }
        : { kind: 'endpoints', selector: endpointSelector }
    const parts = {
      description: read.description,
      logValue: read.log?.value,
      labels: nonEmpty(sortedUnique(read.labels)),
      ingress: nonEmpty(read.ingress),
      ingressDeny: nonEmpty(read.ingressDeny),
      egress: nonEmpty(read.egress),
      egressDeny: nonEmpty(read.egressDeny),
    }
    return right({ path, subject, enableDefaultDeny: present(read.enableDefaultDeny ?? {}), ...present(parts) })
  })
}
