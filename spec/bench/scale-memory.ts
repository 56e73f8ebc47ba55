import type { Engine } from '@weir/core'
import type { Direction, PeerSelector, PortSet, Rule } from '@weir/core/policy/rule.js'
import type { IdentityRow } from '@weir/core'
import { containsPrefix, parsePrefix, type Prefix } from '@weir/core/address/address.js'
import { matchesSelector, selectorText } from '@weir/core/policy/match.js'
import type { Backend } from '@weir/datapath'
import type { BenchReport } from './bench.js'

/**
 * Bytes of one entry of a design with a map per endpoint: an LPM key (prefix length, identity, direction, protocol,
 * port; 12 bytes) and what it decides (proxy port, flags, precedence; 12 bytes).
 */
const entrySizeBytes = 24

const mib = 2 ** 20

/** What the policy maps hold, against an entry per endpoint, identity and port for the same state. */
export function memoryReport(engine: Engine, backend: Backend): Pick<BenchReport, 'figures' | 'ratios'> {
  const bytes = (...names: readonly (keyof Backend['maps'])[]): number =>
    names.reduce((sum, name) => sum + entriesOf(backend, name) * sizeOf(backend, name), 0)
  const verdicts = bytes('weir_cells') + usedRows(backend) * sizeOf(backend, 'weir_rows')
  const prefixes = bytes('weir_pfx4', 'weir_pfx6')
  const addresses = bytes('weir_addr4', 'weir_addr6')
  const entries = entriesPerIdentity(engine)
  const theirs = entries * entrySizeBytes
  return {
    figures: {
      cells: { value: entriesOf(backend, 'weir_cells'), unit: 'entries' },
      'chunks of rows': { value: usedRows(backend), unit: 'entries' },
      'policy maps: cells, rows and prefixes': { value: (verdicts + prefixes) / mib, unit: 'MiB' },
      'addresses, which any design has': { value: addresses / mib, unit: 'MiB' },
      'an entry per endpoint, identity and port': { value: entries, unit: 'entries' },
      'an entry per endpoint, identity and port, size': { value: theirs / mib, unit: 'MiB' },
    },
    ratios: {
      'entry per identity / Weir, policy maps': {
        value: theirs / (verdicts + prefixes),
        goal: { atLeast: 10 },
      },
    },
  }
}

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

/** Allowances alone: a denial by default needs no entry. A rule for every peer needs one entry for all of them. */
function entriesPerIdentity(engine: Engine): number {
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
  const labelsOf = new Map(identities.map(({ id, labels }) => [id, labels]))
  for (const [, { identity }] of engine.tables.endpoints) {
    const labels = labelsOf.get(identity)!
    const seen = new Map<string, Set<number>>()
    for (const some of bySubject.values()) {
      if (!matchesSelector(some[0]!.subject, labels)) continue
      for (const { direction, peers, ports } of some) {
        for (const port of portTexts(direction, ports)) {
          const ids = seen.get(port) ?? new Set()
          seen.set(port, ids)
          if (peers === 'any') ids.add(0)
          else for (const peer of peers) for (const id of matching(matched, identities, peer)) ids.add(id)
        }
      }
    }
    for (const ids of seen.values()) entries += ids.size
  }
  return entries
}

function known({ id, labels }: IdentityRow): Known {
  const pairs = labels.filter(label => label.startsWith('k8s:')).map(label => label.slice(4))
  const cidr = labels.find(label => label.startsWith('cidr:'))
  return {
    id,
    labels: new Map(pairs.map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])),
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
