import { isIP } from 'node:net'
import { type ClusterState, type PodFact, WeirError } from '@weir/core'
import { parseAddress } from '@weir/core/address/address.js'
import { addressText } from '@weir/core/input/address.js'

/** Something that a question can be about: a pod, the node, the outside, or a bare address. */
export interface Place {
  /** `shop/web`, `host`, `world`, or the address. */
  readonly name: string
  readonly addresses: readonly string[]
  /** Set when it is a pod. */
  readonly pod?: PodFact
}

/** Addresses for documentation (RFC 5737, RFC 3849): nobody's, so they stand for anybody outside. */
const strangers = ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '2001:db8:ffff::1'] as const

/**
 * Finds what a word means: `namespace/pod`, a pod's name where only one namespace has it, `host` (this node), `world`
 * (somebody outside whom no policy names), an address.
 *
 * @param isNamed Says whether some policy tells an outside address from the rest of the world.
 * @throws WeirError WEIR_NOT_FOUND with names that come close; WEIR_REQUEST_INVALID when a short name is ambiguous or a
 *   pod has no address.
 */
export function findPlace(
  state: ClusterState,
  word: string,
  isNamed: (address: string) => boolean = () => false,
): Place {
  const parsed = isIP(word) === 0 ? undefined : parseAddress(word)
  if (parsed !== undefined) {
    const canonical = addressText(parsed)
    const owner = [...state.pods.values()].find(
      ({ fact }) => !fact.hostNetwork && fact.addresses.includes(canonical),
    )?.fact
    return owner === undefined
      ? { name: canonical, addresses: [canonical] }
      : { name: `${owner.namespace}/${owner.name}`, addresses: [canonical], pod: owner }
  }
  if (word === 'world') return { name: 'world', addresses: strangersOf(isNamed) }
  if (word === 'host') return { name: 'host', addresses: ownAddresses(state) }
  const pod = findPod(state, word)
  const addresses = pod.hostNetwork ? (state.nodes.get(pod.node)?.fact.addresses ?? pod.addresses) : pod.addresses
  if (addresses.length === 0)
    throw invalid(word, `pod ${pod.namespace}/${pod.name} has no address yet`, 'a pod that has started')
  return { name: `${pod.namespace}/${pod.name}`, addresses, pod }
}

/** The pod of a `namespace/name`, or of a name that is unique; a workload's only pod goes by the workload's name too. */
export function findPod(state: ClusterState, word: string): PodFact {
  const exact = state.pods.get(word)
  if (exact !== undefined) return exact.fact
  const slash = word.indexOf('/')
  const namespace = slash < 0 ? undefined : word.slice(0, slash)
  const name = word.slice(slash + 1)
  const pods = [...state.pods.values()]
    .map(({ fact }) => fact)
    .filter(pod => namespace === undefined || pod.namespace === namespace)
  const named = pods.filter(pod => pod.name === name)
  const found = named.length > 0 ? named : pods.filter(pod => pod.workload?.split('/')[1] === name)
  if (found.length === 1) return found[0]!
  const full = (pod: PodFact): string => `${pod.namespace}/${pod.name}`
  if (found.length > 1)
    throw invalid(word, 'more than one pod goes by this name', found.slice(0, 5).map(full).join(', '))
  const near = [...state.pods.values()]
    .map(({ fact }) => full(fact))
    .sort((a, b) => likeness(b, word) - likeness(a, word))
  throw new WeirError('WEIR_NOT_FOUND', `no pod ${word}`, { kind: 'pod', name: word, near: near.slice(0, 5) })
}

export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4
}

/** Addresses that an object or the agent's options give this node; none before the node is known. */
export function hostAddresses(state: ClusterState): readonly string[] {
  const node = state.agent?.fact.node
  return node === undefined ? [] : (state.nodes.get(node)?.fact.addresses ?? [])
}

/** The same, and those that only its devices tell of. */
export function ownAddresses(state: ClusterState): readonly string[] {
  const observed = state.agent === undefined ? [] : (state.host?.fact.addresses ?? [])
  return [...new Set([...hostAddresses(state), ...observed])]
}

function strangersOf(isNamed: (address: string) => boolean): readonly string[] {
  return ([4, 6] as const).flatMap(family => {
    const own = strangers.filter(address => familyOf(address) === family)
    return own.find(address => !isNamed(address)) ?? own.slice(0, 1)
  })
}

/** Length of the common start of either part of the name: enough to offer the right one after a typing error. */
function likeness(full: string, word: string): number {
  const start = (a: string, b: string): number => {
    let at = 0
    while (at < a.length && a[at] === b[at]) at++
    return at
  }
  return Math.max(start(full, word), start(full.slice(full.indexOf('/') + 1), word.slice(word.indexOf('/') + 1)))
}

function invalid(value: string, message: string, expected: string): WeirError<'WEIR_REQUEST_INVALID'> {
  return new WeirError('WEIR_REQUEST_INVALID', `${message}: ${value}`, {
    problems: [{ path: '', message, value, expected }],
  })
}
