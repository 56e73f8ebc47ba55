import type { Engine } from '@weir/core'
import type { Direction, PeerSelector, PortSet, Rule } from '@weir/core/policy/rule.js'
import type { IdentityRow } from '@weir/core'
import { containsPrefix, parsePrefix, type Prefix } from '@weir/core/address/address.js'
import { matchesSelector, selectorText } from '@weir/core/policy/match.js'
import type { Backend } from '@weir/datapath'
import type { EventBody, NetworkPolicyPeer } from '@weir/core/event/event.js'
import type { BenchReport, Ratio } from './bench.js'

/**
 * Bytes of one entry of a design with a map per endpoint: an LPM key (prefix length, identity, direction, protocol,
 * port; 12 bytes) and what it decides (proxy port, flags, precedence; 12 bytes).
 */
const entrySizeBytes = 24

const kib = 2 ** 10

/**
 * What the policy maps hold, against an entry per endpoint, identity and port for the same state.
 * @param kind stands behind each name: what is said of policies other than the cluster's own
 */
export function memoryReport(
  { engine, backend }: { readonly engine: Engine; readonly backend: Backend },
  kind?: string,
): Required<Pick<BenchReport, 'figures' | 'ratios'>> {
  const bytes = (...names: readonly (keyof Backend['maps'])[]): number =>
    names.reduce((sum, name) => sum + entriesOf(backend, name) * sizeOf(backend, name), 0)
  const cells = bytes('weir_cells')
  const rows = usedRows(backend) * sizeOf(backend, 'weir_rows')
  // Another design has these too, to tell identities by address; they are counted here alone.
  const prefixes = bytes('weir_pfx4', 'weir_pfx6')
  const { entries, selected } = entriesPerIdentity(engine)
  const theirs = entries * entrySizeBytes
  const suffix = kind === undefined ? '' : `, ${kind}`
  const figures: BenchReport['figures'] = {
    'local pods that policies select': { value: selected, unit: 'pods' },
    cells: { value: entriesOf(backend, 'weir_cells'), unit: 'entries' },
    'cells, size': { value: cells / kib, unit: 'KiB' },
    'rows, size': { value: rows / kib, unit: 'KiB' },
    'prefixes, size': { value: prefixes / kib, unit: 'KiB' },
    'an entry per endpoint, identity and port': { value: entries, unit: 'entries' },
    'an entry per endpoint, identity and port, size': { value: theirs / kib, unit: 'KiB' },
    'addresses, which any design has': { value: bytes('weir_addr4', 'weir_addr6') / kib, unit: 'KiB' },
  }
  const ratio: Ratio = { value: theirs / (cells + rows + prefixes) }
  return {
    figures: Object.fromEntries(Object.entries(figures).map(([name, figure]) => [`${name}${suffix}`, figure])),
    ratios: {
      [`entry per identity / Weir, policy maps${suffix}`]:
        kind === undefined ? { ...ratio, goal: { atLeast: 10 } } : ratio,
    },
  }
}

/**
 * The cluster's policies without what they allow to every pod of the cluster, which is most of what an entry per
 * identity costs: what is left names a few workloads each.
 */
export function* narrowly(bodies: Iterable<EventBody>): Generator<EventBody> {
  for (const body of bodies) {
    if (body.kind !== 'networkpolicy.upserted') yield body
    else {
      const ingress = body.policy.ingress.filter(({ peers }) => !peers.some(isEverybody))
      yield { ...body, policy: { ...body.policy, ingress } }
    }
  }
}

const isEverybody = (peer: NetworkPolicyPeer): boolean =>
  peer.kind === 'pods' && peer.namespaceSelector?.length === 0 && peer.podSelector === undefined

const entriesOf = (backend: Backend, name: keyof Backend['maps']): number => [...backend.maps[name].entries()].length

const sizeOf = (backend: Backend, name: keyof Backend['maps']): number =>
  backend.maps[name].keySize + backend.maps[name].valueSize

/** The highest chunk that a cell points at. */
function usedRows(backend: Backend): number {
  let end = 0
  for (const [, value] of backend.maps.weir_cells.entries()) {
    const cell = new DataView(value.buffer, value.byteOffset)
    end = Math.max(end, cell.getUint32(0, true) + cell.getUint32(4, true))
  }
  return end
}

interface Known {
  readonly id: number
  readonly labels: ReadonlyMap<string, string>
  readonly prefix: Prefix | undefined
}

/**
 * Allowances alone: a denial by default needs no entry. A rule for every peer needs one entry for all of them, one that
 * is allowed twice on a port one as well.
 * @returns also how many local pods some policy selects: others need a single entry
 */
function entriesPerIdentity(engine: Engine): { readonly entries: number; readonly selected: number } {
  const identities = [...engine.identities()].map(known)
  const matched = new Map<string, ReadonlySet<number>>()
  const rules = [...engine.rules()].filter(({ action }) => action === 'allow')
  const bySubject = new Map<string, Rule[]>()
  for (const rule of rules) {
    const text = selectorText(rule.subject)
    const known = bySubject.get(text) ?? []
    bySubject.set(text, known)
    known.push(rule)
  }
  let entries = 0
  let selected = 0
  const labelsOf = new Map(identities.map(({ id, labels }) => [id, labels]))
  for (const [, { identity }] of engine.tables.endpoints) {
    const labels = labelsOf.get(identity)!
    const seen = new Map<string, Set<number>>()
    let isSelected = false
    for (const some of bySubject.values()) {
      if (!matchesSelector(some[0]!.subject, labels)) continue
      for (const { direction, peers, ports, origin } of some) {
        isSelected ||= origin.seq > 0
        for (const port of portTexts(direction, ports)) {
          const ids = seen.get(port) ?? new Set()
          seen.set(port, ids)
          if (peers === 'any') ids.add(0)
          else for (const peer of peers) for (const id of matching(matched, identities, peer)) ids.add(id)
        }
      }
    }
    for (const ids of seen.values()) entries += ids.size
    if (isSelected) selected += 1
  }
  return { entries, selected }
}

function known({ id, labels }: IdentityRow): Known {
  const pairs = labels.filter(label => !label.startsWith('cidr:')).map(label => label.replace(/^k8s:/, ''))
  const cidr = labels.find(label => label.startsWith('cidr:'))
  return {
    id,
    labels: new Map(pairs.map(pair => [pair.replace(/=.*/, ''), pair.replace(/^[^=]*=?/, '')])),
    prefix: cidr === undefined ? undefined : parsePrefix(cidr.slice(5)),
  }
}

function matching(
  found: Map<string, ReadonlySet<number>>,
  identities: readonly Known[],
  peer: PeerSelector,
): ReadonlySet<number> {
  const text = JSON.stringify(peer)
  const before = found.get(text)
  if (before !== undefined) return before
  const ids = new Set<number>()
  for (const { id, labels, prefix } of identities) if (matches(peer, labels, prefix)) ids.add(id)
  found.set(text, ids)
  return ids
}

function matches(peer: PeerSelector, labels: Known['labels'], prefix: Prefix | undefined): boolean {
  if (peer.kind === 'labels') return labels.size > 0 && matchesSelector(peer.selector, labels)
  if (peer.kind !== 'cidr' || prefix === undefined) return false
  const within = (text: string): boolean => containsPrefix(parsePrefix(text)!, prefix)
  return within(peer.cidr) && !peer.except.some(within)
}

const portTexts = (direction: Direction, ports: PortSet): readonly string[] =>
  ports === 'any'
    ? [`${direction} any`]
    : [
        ...ports.ranges.map(({ protocol, first, last }) => `${direction} ${protocol}/${first}-${last}`),
        ...ports.named.map(({ protocol, name }) => `${direction} ${protocol}/${name}`),
      ]
