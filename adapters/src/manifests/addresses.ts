import { containsPrefix, parseAddress, type Prefix, prefixText } from '@weir/core/address/address.js'
import { WeirError } from '@weir/core/errors.js'
import type { PodFact } from '@weir/core/event/event.js'
import { cidr } from '@weir/core/input/address.js'
import { addressesIn, poolIn } from '@weir/core/ipam/pool.js'
import { isLeft } from 'fp-ts/lib/Either.js'
import type { KnownFacts } from './known.js'
import { keyText, type ManifestObject, type ManifestSet, type Refusal } from './set.js'

export interface AddressOptions {
  /** Where pods' addresses come from: one block of a family, or one of each. The first two addresses are left out. */
  readonly podCidrs: readonly string[]
  /** Addresses that no pod may have, besides those in use: the node's own, a gateway's. */
  readonly reserved?: readonly string[]
}

/** One block; gives its lowest free addresses in order. */
class Block {
  readonly prefix: Prefix
  readonly #addresses: Iterator<string>

  constructor(prefix: Prefix) {
    this.prefix = prefix
    this.#addresses = addressesIn(poolIn(prefix))
  }

  take(used: ReadonlySet<string>): string | undefined {
    for (let next = this.#addresses.next(); next.done !== true; next = this.#addresses.next()) {
      if (!used.has(next.value)) return next.value
    }
    return undefined
  }

  has(address: string): boolean {
    const parsed = parseAddress(address)
    return parsed !== undefined && containsPrefix(this.prefix, parsed)
  }
}

const blockOf = (source: string, index: number): Block => {
  const parsed = cidr(source, `podCidrs[${index}]`)
  if (isLeft(parsed))
    throw new WeirError('WEIR_INPUT_INVALID', `${source} is not a pod network`, { problems: parsed.left })
  return new Block(parsed.right)
}

const podKeyText = (pod: PodFact): string => `${pod.namespace}/${pod.name}`

const podsOf = (objects: readonly ManifestObject[]): readonly PodFact[] =>
  objects.flatMap(({ bodies }) => bodies.flatMap(body => (body.kind === 'pod.upserted' ? [body.pod] : [])))

const needsAddresses = (object: ManifestObject, pod: PodFact): boolean =>
  object.running && !pod.hostNetwork && pod.addresses.length === 0

const exhausted = (object: ManifestObject, pod: PodFact, root: string, blocks: readonly Block[]): Refusal => {
  const file = object.file === '' ? root : object.file
  const networks = blocks.map(({ prefix }) => prefixText(prefix)).join(', ')
  const message = `no address is free in ${networks}`
  const problem = {
    file,
    line: object.line,
    path: 'status.podIPs',
    message,
    expected: 'a larger pod network, or fewer pods',
  }
  const key = { kind: 'Pod', namespace: pod.namespace, name: pod.name }
  return { code: 'WEIR_MANIFEST_ADDRESSES_EXHAUSTED', object: key, file, line: object.line, problems: [problem] }
}

/** Adds refusals to those of a set, still one for each object. */
const withRefusals = (set: ManifestSet, added: readonly Refusal[]): readonly Refusal[] => {
  const all = new Map(set.refusals.map(refusal => [keyText(refusal.object), refusal]))
  for (const refusal of added) {
    const key = keyText(refusal.object)
    const earlier = all.get(key)
    all.set(key, { ...(earlier ?? refusal), problems: [...(earlier?.problems ?? []), ...refusal.problems] })
  }
  return [...all.values()]
}

/**
 * Gives running pods without `status.podIPs` an address of each block. A pod keeps what the log says it has; the others
 * get, in the order of their names, the lowest addresses that nobody has: neither in the log (pods that are about to go
 * included, so that no address changes hands within one batch) nor by a manifest's own word. So the outcome follows
 * from the log and the set alone. A pod for which none is left stays without, and is refused.
 *
 * @param afterLast True when the log has all of the set that the reader gave before this one; then a change without a
 *   pod changes no address, and the set is given back as it is.
 * @throws WeirError WEIR_INPUT_INVALID when a block is no CIDR.
 */
export const assignAddresses = (
  set: ManifestSet,
  known: KnownFacts,
  options: AddressOptions,
  afterLast = false,
): ManifestSet => {
  const blocks = options.podCidrs.map(blockOf).sort((a, b) => a.prefix.family - b.prefix.family)
  if (blocks.length === 0 || (afterLast && set.changed !== undefined && podsOf(set.changed.objects).length === 0))
    return set
  const claimed = new Set(podsOf(set.objects).flatMap(({ addresses }) => addresses))
  const used = new Set([...claimed, ...(options.reserved ?? []), ...(known.host?.fact.addresses ?? [])])
  for (const { fact } of known.pods.values()) for (const address of fact.addresses) used.add(address)
  for (const { fact } of known.nodes.values()) for (const address of fact.addresses) used.add(address)
  const waiting = set.objects
    .flatMap(object => podsOf([object]).map(pod => ({ object, pod })))
    .filter(({ object, pod }) => needsAddresses(object, pod))
    .sort((a, b) => (podKeyText(a.pod) < podKeyText(b.pod) ? -1 : 1))
  const given = new Map<string, readonly string[]>()
  const refusals: Refusal[] = []
  for (const { object, pod } of waiting) {
    const before = known.pods.get(podKeyText(pod))?.fact
    const own =
      before === undefined || before.hostNetwork ? [] : before.addresses.filter(address => !claimed.has(address))
    const addresses = blocks.map(block => own.find(address => block.has(address)) ?? block.take(used))
    if (addresses.includes(undefined)) refusals.push(exhausted(object, pod, set.root, blocks))
    given.set(
      podKeyText(pod),
      addresses.flatMap(address => address ?? []),
    )
  }
  const { root, skipped, incomplete } = set
  const objects = set.objects.map(object => addressed(object, given))
  return { root, objects, refusals: withRefusals(set, refusals), skipped, incomplete }
}

const addressed = (object: ManifestObject, given: ReadonlyMap<string, readonly string[]>): ManifestObject => {
  const bodies = object.bodies.map(body => {
    const addresses =
      body.kind === 'pod.upserted' && body.pod.addresses.length === 0 ? given.get(podKeyText(body.pod)) : undefined
    return body.kind === 'pod.upserted' && addresses !== undefined ? { ...body, pod: { ...body.pod, addresses } } : body
  })
  return { ...object, bodies }
}
