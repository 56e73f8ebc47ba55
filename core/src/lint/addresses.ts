import { containsPrefix, parsePrefix, type Prefix } from '../address/address.js'
import type { PeerSelector } from '../policy/rule.js'
import { inScope } from '../verdict/match-peer.js'
import { type LintCluster, podName } from './cluster.js'
import type { PolicyFinding } from './finding.js'
import { listed } from './wording.js'
import type { WrittenPolicy } from './written.js'

type Cidr = PeerSelector & { readonly kind: 'cidr' }

/** Blocks that mean pods by their address, or that don't mean pods and nodes where they seem to. */
export function* addressFindings(cluster: LintCluster, { parts, dialect }: WrittenPolicy): Iterable<PolicyFinding> {
  for (const { rules } of parts)
    for (const { peers } of rules)
      for (const { path, kind, selectors } of peers === 'unsaid' ? [] : peers)
        if (kind === 'block')
          for (const block of selectors)
            if (block.kind === 'cidr' && !block.cidr.endsWith('/0')) yield* oneBlock(cluster, block, path, dialect)
}

function* oneBlock(
  cluster: LintCluster,
  block: Cidr,
  path: string,
  dialect: WrittenPolicy['dialect'],
): Iterable<PolicyFinding> {
  const prefix = parsePrefix(block.cidr)
  if (prefix === undefined) return
  const holes = block.except.flatMap(hole => parsePrefix(hole) ?? [])
  const isMeant = (address: Prefix) =>
    containsPrefix(prefix, address) && !holes.some(hole => containsPrefix(hole, address))
  const pods = [...cluster.podsWithin(prefix, holes)].map(podName).sort()
  const nodes = cluster.nodes
    .filter(({ addresses }) => addresses.some(isMeant))
    .map(({ name }) => name)
    .sort()
  if (pods.length > 0 && inScope(block.scope, 'pod'))
    yield {
      kind: 'cidr-means-pods',
      severity: 'info',
      path,
      message: `${block.cidr} means pods by their address, which may change: ${listed(pods)}`,
      suggestion: 'select pods by labels',
    }
  const missed = [
    ...(inScope(block.scope, 'pod') || pods.length === 0 ? [] : [`the pods ${listed(pods)}`]),
    ...(inScope(block.scope, 'node') || nodes.length === 0 ? [] : [`the nodes ${listed(nodes)}`]),
  ]
  if (missed.length > 0 && dialect === 'cilium')
    yield {
      kind: 'cidr-misses-pods',
      severity: 'warning',
      path,
      message: `${block.cidr} means addresses outside of the cluster only, not ${missed.join(' nor ')} in it`,
      suggestion: 'select pods by labels, nodes by entities or labels',
    }
}
