import type { FqdnSelector } from '@weir/core/event/cilium.js'
import type { OracleCluster } from './cluster.js'

/**
 * The addresses that are known by a name which `matches`. An answer holds for its time to live from when it was heard;
 * an address is known by a name as long as any answer that says so holds.
 */
export function addressesKnownBy(cluster: OracleCluster, matches: (name: string) => boolean): readonly string[] {
  const holding = (cluster.answers ?? []).filter(
    ({ answer, heardMs }) => heardMs + answer.ttlSeconds * 1000 > (cluster.timeMs ?? 0),
  )
  return holding.filter(({ answer }) => matches(canonicalName(answer.name))).flatMap(({ answer }) => answer.addresses)
}

/** DNS has no case, and a final dot says nothing. */
function canonicalName(name: string): string {
  const lower = name.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}

/** Does the name meet a selector of toFQDNs? */
export function fqdnMatches(selector: FqdnSelector, name: string): boolean {
  return 'name' in selector ? canonicalName(selector.name) === name : patternMatches(selector.pattern, name)
}

/**
 * Label for label: `*` stands for any characters within its label; a leading `**` label for one label or more; a
 * pattern that is `*` alone for every name. So neither `*.example.com` nor `**.example.com` matches `example.com`.
 */
function patternMatches(pattern: string, name: string): boolean {
  const canonical = canonicalName(pattern)
  if (canonical === '*') return true
  const wanted = canonical.split('.')
  const there = name.split('.')
  if (wanted[0] === '**' && wanted.length > 1) {
    const tail = wanted.slice(1)
    return there.length > tail.length && labelsMatch(tail, there.slice(-tail.length))
  }
  return labelsMatch(wanted, there)
}

function labelsMatch(wanted: readonly string[], there: readonly string[]): boolean {
  return wanted.length === there.length && wanted.every((label, index) => labelMatches(label, there[index] ?? ''))
}

/** What stands before the first `*`, then each piece after another, then what stands behind the last. */
function labelMatches(wanted: string, label: string): boolean {
  const pieces = wanted.split('*')
  const [first = '', ...others] = pieces
  const last = others.pop()
  if (last === undefined) return label === wanted
  if (label.length < first.length + last.length || !label.startsWith(first) || !label.endsWith(last)) return false
  let rest = label.slice(first.length, label.length - last.length)
  for (const piece of others) {
    const at = rest.indexOf(piece)
    if (at < 0) return false
    rest = rest.slice(at + piece.length)
  }
  return true
}

/** A domain name of a cluster policy: exact, or with a leading `*` label that stands for one label or more. */
export function domainMatches(wanted: string, name: string): boolean {
  const canonical = canonicalName(wanted)
  return canonical.startsWith('*.')
    ? name.endsWith(canonical.slice(1)) && name.length >= canonical.length
    : canonical === name
}
