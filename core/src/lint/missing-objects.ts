import { nearestWord } from '../input/nearest.js'
import type { LintCluster } from './cluster.js'
import type { Nothing } from './explain-nothing.js'
import type { WrittenPeer } from './written.js'

/** Peers that name an object which isn't there: a service, a group of CIDRs. */
export function absentPeer(cluster: LintCluster, { kind, text }: WrittenPeer): Nothing | undefined {
  if (text === '') return undefined
  const { services, cidrGroups } = cluster.reading.state
  // A state that has none at all, as a folder of policies alone, tells nothing.
  if (kind === 'service' && services.size > 0) return absent('service', text, services)
  if (kind === 'group' && cidrGroups.size > 0) return absent('CiliumCIDRGroup', text, cidrGroups)
  return undefined
}

function absent(what: string, name: string, known: ReadonlyMap<string, unknown>): Nothing | undefined {
  if (known.has(name)) return undefined
  const near = nearestWord(name, [...known.keys()])
  const message = `it means nobody: there is no ${what} ${name}`
  return near === undefined ? { message } : { message, suggestion: `there is ${near}` }
}
