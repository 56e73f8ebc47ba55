import type { BookRule } from '../compare/rule-book.js'
import { derivedKeys } from '../identity/labels.js'
import type { LabelSelector } from '../policy/selector.js'
import { labelKeyText, type LintCluster, listed } from './cluster.js'
import type { Finding } from './finding.js'

/** Selectors that mean nobody, contradict themselves, or mean pods for a label that they lack. */
export function* selectorFindings(cluster: LintCluster): Iterable<Finding> {
  for (const each of cluster.reading.book.rules) {
    const { rule } = each
    if (rule.origin.seq === 0) continue
    const at = { policy: rule.origin.policy, seq: rule.origin.seq }
    yield* subjectFindings(cluster, rule.subject, at)
    if (rule.peers === 'any') continue
    for (const peer of rule.peers)
      if (peer.kind === 'labels' && isOfPods(peer.selector))
        yield* peerFindings(cluster, peer.selector, { ...at, path: rule.origin.path }, each)
  }
}

const isOfPods = (selector: LabelSelector): boolean => !selector.some(({ key }) => key.startsWith('reserved:'))

function* subjectFindings(
  cluster: LintCluster,
  selector: LabelSelector,
  at: Pick<Finding, 'policy' | 'seq'>,
): Iterable<Finding> {
  if (!isOfPods(selector)) return
  const place = { ...at, path: '' }
  const contradiction = contradictionOf(selector)
  if (contradiction !== undefined) {
    yield {
      kind: 'contradiction',
      severity: 'error',
      ...place,
      message: `no pod can meet its selector: ${contradiction}`,
    }
    return
  }
  yield* absentKeys(cluster, selector, place)
  if (cluster.matching(selector).length > 0) return
  const { message, suggestion } = cluster.explainNothing(selector)
  const hosted = cluster.isHostNetworkOnly(selector)
  yield {
    kind: 'selects-nothing',
    severity: 'warning',
    ...place,
    message: hosted
      ? 'it selects pods of the host network only: they are the node, and no policy selects them'
      : `it selects no pod: ${message}`,
    ...(suggestion !== undefined && !hosted && { suggestion }),
  }
}

function* peerFindings(
  cluster: LintCluster,
  selector: LabelSelector,
  at: Pick<Finding, 'policy' | 'seq' | 'path'>,
  { rule }: BookRule,
): Iterable<Finding> {
  const contradiction = contradictionOf(selector)
  if (contradiction !== undefined) {
    yield { kind: 'contradiction', severity: 'error', ...at, message: `no peer can meet a selector: ${contradiction}` }
    return
  }
  yield* absentKeys(cluster, selector, at)
  const isEveryPod =
    selector.length === 1 && selector[0]!.key === derivedKeys.namespace && selector[0]!.operator === 'Exists'
  if (isEveryPod && rule.action === 'allow') {
    const message = 'an empty namespace selector means every pod of the cluster'
    yield { kind: 'every-pod', severity: 'info', ...at, message, suggestion: 'name namespaces if only some are meant' }
  }
  if (cluster.matching(selector).length > 0) return
  const { message, suggestion } = cluster.explainNothing(selector)
  yield {
    kind: 'peer-matches-nothing',
    severity: 'warning',
    ...at,
    message: `a peer selector means no pod: ${message}`,
    ...(suggestion !== undefined && { suggestion }),
  }
}

/** NotIn and DoesNotExist hold for pods without the key. */
function* absentKeys(
  cluster: LintCluster,
  selector: LabelSelector,
  at: Pick<Finding, 'policy' | 'seq' | 'path'>,
): Iterable<Finding> {
  for (const { key, operator, values } of selector) {
    if (operator !== 'NotIn') continue
    const lacking = cluster.matching(selector).filter(({ labels }) => !labels.has(key))
    if (lacking.length === 0) continue
    const shown = labelKeyText(key)
    const names = lacking.map(({ pod }) => `${pod.namespace}/${pod.name}`).sort()
    yield {
      kind: 'absent-key-matches',
      severity: 'info',
      ...at,
      message: `${shown} NotIn (${values.join(', ')}) means pods without ${shown} too: ${listed(names)}`,
      suggestion: `add ${shown} Exists if they are not meant`,
    }
  }
}

/** Two requirements that no label can meet both. */
function contradictionOf(selector: LabelSelector): string | undefined {
  for (const { key, operator, values } of selector) {
    const shown = labelKeyText(key)
    if (operator === 'In' && values.length === 0) return `${shown} has no values to be in`
    for (const other of selector) {
      if (other.key !== key) continue
      const needs = operator === 'In' || operator === 'Exists'
      if (needs && other.operator === 'DoesNotExist') return `${shown} must exist and must not`
      if (operator !== 'In') continue
      if (other.operator === 'In' && !values.some(value => other.values.includes(value)))
        return `${shown} must be ${values.join(' or ')} and ${other.values.join(' or ')}`
      if (other.operator === 'NotIn' && values.every(value => other.values.includes(value)))
        return `${shown} must be ${values.join(' or ')} and must not`
    }
  }
  return undefined
}
