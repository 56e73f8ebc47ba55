import { type Readable, readingOf } from '../compare/ends.js'
import { LintCluster } from './cluster.js'
import { duplicatePolicies } from './duplicates.js'
import type { Finding, Severity } from './finding.js'
import { reachFindings } from './reach-findings.js'
import { ruleFindings } from './rules.js'
import { selectorFindings } from './selectors.js'
import { ciliumTraps } from './traps-cilium.js'
import { networkPolicyTraps } from './traps-networkpolicy.js'

const severities: readonly Severity[] = ['error', 'warning', 'info']

/**
 * What authors of the policies in force may not have meant: by the rules and by everybody there is now.
 * @returns errors first, then by policy
 */
export function lint(engine: Readable): Finding[] {
  const cluster = new LintCluster(readingOf(engine))
  const findings = [
    ...selectorFindings(cluster),
    ...reachFindings(cluster),
    ...duplicatePolicies(cluster),
    ...ruleFindings(cluster),
    ...networkPolicyTraps(cluster),
    ...ciliumTraps(cluster),
  ]
  const unique = new Map(
    findings.map(finding => [`${finding.kind} ${finding.policy} ${finding.path} ${finding.message}`, finding]),
  )
  return [...unique.values()].sort(
    (a, b) =>
      severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
      compare(a.policy, b.policy) ||
      compare(a.path, b.path) ||
      compare(a.kind, b.kind),
  )
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
