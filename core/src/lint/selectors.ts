import { derivedKeys } from '../identity/labels.js'
import { placeKeys } from '../identity/node-labels.js'
import { canonicalSelector } from '../policy/match.js'
import type { LabelSelector } from '../policy/selector.js'
import type { PeerSelector } from '../policy/rule.js'
import type { LintCluster } from './cluster.js'
import { podName } from './cluster.js'
import { explainNoNode, explainNothing, labelKeyText, type Nothing } from './explain-nothing.js'
import type { PolicyFinding } from './finding.js'
import { isImpossible } from './label-cube.js'
import { absentPeer } from './missing-objects.js'
import { listed } from './wording.js'
import type { WrittenPart, WrittenPeer, WrittenPolicy } from './written.js'

/** Selectors that mean nobody, contradict themselves, or mean pods for a label that they lack. */
export function* selectorFindings(cluster: LintCluster, { parts }: WrittenPolicy): Iterable<PolicyFinding> {
  for (const part of parts) {
    yield* subjectFindings(cluster, part)
    for (const { peers } of part.rules)
      if (peers !== 'unsaid') for (const peer of peers) yield* peerFindings(cluster, peer)
  }
}

function* subjectFindings(cluster: LintCluster, { path, of, selector }: WrittenPart): Iterable<PolicyFinding> {
  const contradiction = contradictionOf(selector)
  if (contradiction !== undefined) {
    const message = `no ${of === 'pods' ? 'pod' : 'node'} can meet its selector: ${contradiction}`
    yield { kind: 'contradiction', severity: 'error', path, message, suggestion: 'ask for one of the two only' }
    return
  }
  yield* absentKeys(cluster, selector, path)
  const nothing = of === 'nodes' ? noNode(cluster, selector) : noPod(cluster, selector, 'subject')
  if (nothing === undefined) return
  const hosted = of === 'pods' && cluster.isHostNetworkOnly(selector)
  const { message, suggestion } = nothing
  yield {
    kind: 'selects-nothing',
    severity: 'warning',
    path,
    message: hosted
      ? 'it selects pods of the host network only: they are the node, and no policy for pods selects them'
      : `it selects no ${of === 'pods' ? 'pod' : 'node'}: ${message}`,
    ...(hosted
      ? { suggestion: 'a CiliumClusterwideNetworkPolicy with a nodeSelector selects nodes' }
      : suggestion !== undefined && { suggestion }),
  }
}

function* peerFindings(cluster: LintCluster, peer: WrittenPeer): Iterable<PolicyFinding> {
  const { path, kind } = peer
  const absent = absentPeer(cluster, peer)
  if (absent !== undefined) yield { kind: 'peer-matches-nothing', severity: 'warning', path, ...absent }
  if (kind !== 'pods' && kind !== 'nodes') return
  for (const selector of peer.selectors) {
    if (selector.kind !== 'labels') continue
    const contradiction = contradictionOf(selector.selector)
    if (contradiction !== undefined) {
      const message = `no peer can meet the selector: ${contradiction}`
      yield { kind: 'contradiction', severity: 'error', path, message, suggestion: 'ask for one of the two only' }
      continue
    }
    yield* absentKeys(cluster, selector.selector, path)
    const nothing = kind === 'nodes' ? noNode(cluster, selector.selector) : noPeer(cluster, selector)
    if (nothing === undefined) continue
    const { message, suggestion } = nothing
    yield {
      kind: 'peer-matches-nothing',
      severity: 'warning',
      path,
      message: `it means no ${kind === 'nodes' ? 'node' : 'pod'}: ${message}`,
      ...(suggestion !== undefined && { suggestion }),
    }
  }
}

const noPeer = (cluster: LintCluster, { selector }: PeerSelector & { kind: 'labels' }): Nothing | undefined =>
  selector.some(({ key }) => key.startsWith('reserved:')) ? undefined : noPod(cluster, selector, 'peer')

/** A state without pods, as a folder of policies alone, has nothing that selectors could be held against. */
const noPod = (cluster: LintCluster, selector: LabelSelector, whose: 'subject' | 'peer'): Nothing | undefined =>
  cluster.pods.length === 0 || cluster.matching(selector).length > 0
    ? undefined
    : explainNothing(cluster, selector, whose)

const noNode = (cluster: LintCluster, selector: LabelSelector): Nothing | undefined =>
  cluster.nodes.length === 0 || cluster.matchingNodes(selector).length > 0
    ? undefined
    : explainNoNode(cluster, selector)

/** NotIn holds for whoever lacks the key. */
function* absentKeys(cluster: LintCluster, selector: LabelSelector, path: string): Iterable<PolicyFinding> {
  for (const { key, operator, values } of selector) {
    if (operator !== 'NotIn' || key === derivedKeys.namespace) continue
    const lacking = key.startsWith(placeKeys.nodeLabels)
      ? cluster.matchingNodes(selector).flatMap(({ labels, name }) => (labels.has(key) ? [] : [name]))
      : cluster.matching(selector).flatMap(pod => (pod.labels.has(key) ? [] : [podName(pod)]))
    if (lacking.length === 0) continue
    const shown = labelKeyText(key)
    const who = key.startsWith(placeKeys.nodeLabels)
      ? 'nodes'
      : key.startsWith(derivedKeys.namespaceLabels)
        ? 'pods of namespaces'
        : 'pods'
    yield {
      kind: 'absent-key-matches',
      severity: 'info',
      path,
      message: `${shown} NotIn (${values.join(', ')}) means ${who} without ${shown} too: ${listed(lacking.sort())}`,
      suggestion: `add ${shown} Exists if they are not meant`,
    }
  }
}

/** The requirements of one label that nobody can meet together, as a few words. */
function contradictionOf(selector: LabelSelector): string | undefined {
  for (const { key } of selector) {
    const own = selector.filter(other => other.key === key)
    if (own.length > 1 && isImpossible(canonicalSelector(own.map(each => ({ ...each, key: 'key' })))))
      return `${labelKeyText(key)} must ${own.map(requirementWords).join(' and must ')}`
  }
  return undefined
}

function requirementWords({ operator, values }: LabelSelector[number]): string {
  switch (operator) {
    case 'In':
      return `be ${values.join(' or ')}`
    case 'NotIn':
      return `not be ${values.join(' or ')}`
    case 'Exists':
      return 'exist'
    case 'DoesNotExist':
      return 'not exist'
  }
}
