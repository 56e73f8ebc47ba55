import { type Readable, readingOf } from '../compare/ends.js'
import { nearestWord } from '../input/nearest.js'
import { addressFindings } from './addresses.js'
import { LintCluster } from './cluster.js'
import { duplicatePolicies } from './duplicates.js'
import { type Finding, findingKinds, type PolicyFinding, severities } from './finding.js'
import { withoutNames, unseenNames } from './names.js'
import { opennessFindings } from './openness.js'
import { overlapFindings } from './overlaps.js'
import { portFindings } from './ports.js'
import { reachFindings } from './reach-findings.js'
import { selectorFindings } from './selectors.js'
import { ciliumTraps } from './traps-cilium.js'
import { kubernetesTraps } from './traps-kubernetes.js'
import type { WrittenPolicy } from './written.js'

/** All that there is to say of the policies of a state. */
export interface LintReport {
  /** Errors first, then by policy. */
  readonly findings: readonly Finding[]
  /** Those that an annotation `weir.io/lint-ignore` of their policy declares to be meant. */
  readonly ignored: readonly Finding[]
  /** Policies in force that were looked at. */
  readonly policies: number
  /** Pods that selectors were held against. Without any, selectors that match nothing aren't told. */
  readonly pods: number
}

/** What authors of the policies may not have meant: by the rules in force, by everybody there is now, by refusals. */
export function lint(engine: Readable): LintReport {
  const cluster = new LintCluster(readingOf(engine))
  const found = [
    ...refusals(cluster),
    ...reachFindings(cluster),
    ...duplicatePolicies(cluster),
    ...portFindings(cluster),
    ...overlapFindings(cluster),
    ...withoutNames(cluster),
    ...cluster.policies.flatMap(policy => {
      const { title, seq } = policy
      return [...policyFindings(cluster, policy)].map((finding): Finding => ({ ...finding, policy: title, seq }))
    }),
  ]
  const unique = new Map(
    found.map(finding => [`${finding.kind} ${finding.policy} ${finding.path} ${finding.message}`, finding]),
  )
  const sorted = [...unique.values()].sort(byGravity)
  const ignores = new Map(cluster.policies.map(({ title, fact }) => [title, new Set(fact.lintIgnore ?? [])]))
  const isIgnored = ({ policy, kind }: Finding): boolean => ignores.get(policy)?.has(kind) ?? false
  return {
    findings: sorted.filter(finding => !isIgnored(finding)),
    ignored: sorted.filter(isIgnored),
    policies: cluster.policies.length,
    pods: cluster.pods.length,
  }
}

function* policyFindings(cluster: LintCluster, policy: WrittenPolicy): Iterable<PolicyFinding> {
  yield* selectorFindings(cluster, policy)
  yield* opennessFindings(policy)
  yield* addressFindings(cluster, policy)
  yield* unseenNames(cluster, policy)
  if (policy.dialect === 'kubernetes') yield* kubernetesTraps(policy.fact)
  if (policy.dialect === 'cilium') yield* ciliumTraps(policy.fact)
  yield* unknownIgnores(policy)
}

/** Names in `weir.io/lint-ignore` that no finding has. */
function* unknownIgnores({ fact }: WrittenPolicy): Iterable<PolicyFinding> {
  for (const name of fact.lintIgnore ?? []) {
    if (findingKinds.some(kind => kind === name)) continue
    const near = nearestWord(name, findingKinds)
    yield {
      kind: 'unknown-ignore',
      severity: 'warning',
      path: 'metadata.annotations[weir.io/lint-ignore]',
      message: `no finding is called ${name}`,
      suggestion: near === undefined ? 'docs/lint.md lists the names' : `did you mean ${near}?`,
    }
  }
}

/** Objects that can't be understood: what was in force before stays. */
function* refusals({ reading }: LintCluster): Iterable<Finding> {
  for (const { object, problems, seq } of reading.state.refusals.values()) {
    const policy = `${object.kind} ${object.namespace === '' ? '' : `${object.namespace}/`}${object.name}`
    for (const { path, message, value, expected, line } of problems)
      yield {
        kind: 'refused',
        severity: 'error',
        policy,
        path,
        seq,
        message: `it is refused: ${message}${value === undefined ? '' : ` (${value})`}`,
        ...(expected !== undefined && { suggestion: `expected ${expected}` }),
        ...(line !== undefined && { line }),
      }
  }
}

function byGravity(a: Finding, b: Finding): number {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    compare(a.policy, b.policy) ||
    compare(a.path, b.path) ||
    compare(a.kind, b.kind) ||
    compare(a.message, b.message)
  )
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
