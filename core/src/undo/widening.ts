import { containsPrefix, parseAddress, parsePrefix } from '../address/address.js'
import type { FlowQuery } from '../explain/explain.js'
import type { WrittenObject } from '../output/written.js'
import type { Direction } from '../policy/rule.js'
import type { Edit } from './document.js'
import { blockOf, type FlowEnd } from './flow-end.js'
import { insertion } from './narrowing.js'
import {
  allowSections,
  peerLists,
  type Placed,
  portFields,
  portLists,
  type Spelling,
  writtenPeers,
  writtenPort,
} from './rule-place.js'

type Map = Readonly<Record<string, unknown>>

/** Who is to pass, and on what. */
export interface Passage {
  readonly spelling: Spelling
  readonly direction: Direction
  /** Of the policy; '' of one of the whole cluster. */
  readonly namespace: string
  readonly peer: FlowEnd | undefined
  readonly flow: FlowQuery
}

/** Ways to have an allowance mean a flow too: with a peer more, a port more, both, or without an exception. */
export function widenings(document: WrittenObject, rule: Placed<Map>, passage: Passage): readonly (readonly Edit[])[] {
  const { spelling, direction, namespace, peer, flow } = passage
  const peers = peerLists(document, rule)
  const named = peer === undefined ? [] : writtenPeers(spelling, direction, namespace, peer)
  const newPeers = named.flatMap(({ field, peer: written }): readonly Edit[] => {
    const list = peers.find(({ steps }) => steps.at(-1) === field)
    return list === undefined ? [] : [insertion(list.value, list.steps, written)]
  })
  const port = writtenPort(spelling, flow)
  const newPorts =
    port === undefined ? [] : portLists(document, rule).map(({ steps, value }) => insertion(value, steps, port))
  return [
    ...[...newPeers, ...newPorts].map(edit => [edit]),
    ...(peer === undefined ? [] : peers.flatMap(list => withoutHoles(list, peer)).map(edit => [edit])),
    ...newPeers.slice(0, 1).flatMap(one => newPorts.map(other => [one, other])),
  ]
}

/** A rule more in each section of a policy, or one that comes before another. */
export function newRules(document: WrittenObject, passage: Passage): readonly (readonly Edit[])[] {
  const { spelling, direction, namespace, peer, flow } = passage
  if (peer === undefined) return []
  return allowSections(document, direction).flatMap(({ steps, value }) =>
    writtenPeers(spelling, direction, namespace, peer).map(({ field, peer: written }): readonly Edit[] => [
      insertion(value, steps, { [field]: [written], ...portFields(spelling, flow) }),
    ]),
  )
}

/** Of policies in which the first match decides: an exception just before a rule. */
export function before(rule: Placed<Map>, action: string, passage: Passage): readonly (readonly Edit[])[] {
  const { spelling, direction, namespace, peer, flow } = passage
  if (peer === undefined) return []
  return writtenPeers(spelling, direction, namespace, peer).map(({ field, peer: written }): readonly Edit[] => [
    { kind: 'insert', steps: rule.steps, value: { action, [field]: [written], ...portFields(spelling, flow) } },
  ])
}

/** A rule more that denies, in Cilium's words. */
export function newDenials(document: WrittenObject, passage: Passage): readonly (readonly Edit[])[] {
  const { spelling, direction, namespace, peer, flow } = passage
  if (peer === undefined || spelling !== 'cilium') return []
  return allowSections(document, direction).flatMap(({ steps }) => {
    const spec = steps.slice(0, -1)
    const section = [...spec, `${direction}Deny`]
    const list = (spec.length === 1 ? document.spec : (document.specs as readonly Map[])[Number(spec[1])]) as Map
    return writtenPeers(spelling, direction, namespace, peer).map(({ field, peer: written }): readonly Edit[] => [
      insertion(list[`${direction}Deny`], section, { [field]: [written], ...portFields(spelling, flow) }),
    ])
  })
}

/** Without the exceptions that somebody is in. */
function withoutHoles(list: Placed<readonly unknown[]>, peer: FlowEnd): readonly Edit[] {
  if (peer.kind === 'pod') return []
  const address = parseAddress(peer.address) ?? parsePrefix(blockOf(peer.address))
  return list.value.flatMap((item, at): readonly Edit[] => {
    if (typeof item !== 'object' || item === null) return []
    const isBlock = 'ipBlock' in item
    const { except = [] } = (isBlock ? item.ipBlock : item) as { readonly except?: readonly string[] }
    const steps = [...list.steps, at, ...(isBlock ? ['ipBlock'] : []), 'except']
    return except.flatMap((hole, index): readonly Edit[] => {
      const prefix = parsePrefix(hole)
      const isIn = prefix !== undefined && address !== undefined && containsPrefix(prefix, address)
      if (!isIn) return []
      return [{ kind: 'remove', steps: except.length === 1 ? steps : [...steps, index] }]
    })
  })
}
