import { isLeft, left, right } from 'fp-ts/lib/Either.js'
import type { CiliumDirectionRule, CiliumPortRule, CiliumRule } from '../../event/cilium.js'
import type { PortRange } from '../../policy/rule.js'
import type { LabelSelector } from '../../policy/selector.js'
import { fieldPath } from '../path.js'
import { missing, type Parsed, refuse } from '../problem.js'
import { flag, listOf, oneOf, optional, optionalText, type Reader, record, text, andThen } from '../reader.js'
import { sortedUnique } from '../selector.js'
import { filled, forbidden, matching, onlyField, present, unless, within } from '../shape.js'
import { icmps } from './icmp.js'
import { peerFields, peersOf } from './peers.js'
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
  return andThen(fields, (read, path): Parsed<CiliumDirectionRule> => {
    const toPorts = read.toPorts as readonly CiliumPortRule[] | undefined
    const types = read.icmps as readonly PortRange[] | undefined
    const auth = read.authentication as { readonly mode: CiliumDirectionRule['authentication'] } | undefined
    const peers = peersOf(prefix, read, path)
    const beside =
      types !== undefined && types.length > 0 && toPorts !== undefined && toPorts.length > 0
        ? refuse(fieldPath(path, 'icmps'), 'icmps stands beside toPorts', undefined, 'a rule of its own for icmps')
        : right(types)
    if (isLeft(peers)) return left([...peers.left, ...(isLeft(beside) ? beside.left : [])])
    const optionalParts = {
      peers: peers.right,
      ports: nonEmpty(toPorts),
      icmps: nonEmpty(types),
      authentication: auth?.mode,
    }
    return unless({ path, ...present(optionalParts) }, [beside])
  })
}

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
  return andThen(fields, (read, path): Parsed<CiliumRule> => {
    const { endpointSelector, nodeSelector, description, labels, log } = read
    const only = onlyField<LabelSelector>(clusterwide ? { endpointSelector, nodeSelector } : { endpointSelector }, path)
    const saysSomething = sections.some(name => read[name] !== undefined)
      ? right(read)
      : missing(path, `at least one of ${sections.join(', ')}`)
    if (isLeft(only)) return left([...only.left, ...(isLeft(saysSomething) ? saysSomething.left : [])])
    const subjectKind = endpointSelector === undefined ? 'nodes' : 'endpoints'
    const rule: CiliumRule = {
      path,
      subject: { kind: subjectKind, selector: only.right },
      enableDefaultDeny: present(read.enableDefaultDeny ?? {}),
      ...present({
        description,
        logValue: log?.value,
        labels: nonEmpty(sortedUnique(labels)),
        ingress: nonEmpty(read.ingress),
        ingressDeny: nonEmpty(read.ingressDeny),
        egress: nonEmpty(read.egress),
        egressDeny: nonEmpty(read.egressDeny),
      }),
    }
    return unless(rule, [saysSomething])
  })
}
