import { parseNetworkPolicy, type PodFact } from '@weir/core'
import fc from 'fast-check'
import { ownAddresses } from '../oracle/generate/addresses.js'
import { namespaceNames, podNames } from '../oracle/generate/names.js'
import { anyRawPolicy } from '../oracle/generate/policies.js'
import { type Document, type FileChange, fileOf } from './authors.js'
import type { Random } from './random.js'

/** Pods of this node, and one of another. */
export const firstDocuments = (random: Random): readonly Document[] =>
  podNames.map((name, at) => podOf('default', name, at === 2 ? 'there' : 'here', { app: random.pick(['x', 'y']) }))

export const firstFiles = (random: Random): readonly FileChange[] =>
  firstDocuments(random).map(document => ({ how: 'moved', isSilent: false, document }))

/** Mostly policies, as a file that can be read half could open what they close. */
export function fileChanges(random: Random): readonly FileChange[] {
  return Array.from({ length: random.chance(0.7) ? 1 : random.between(2, 5) }, () => fileChange(random))
}

function fileChange(random: Random): FileChange {
  const document = documentOf(random)
  const isSilent = random.chance(0.1)
  if (random.chance(0.4)) return { how: 'moved', document, isSilent }
  if (random.chance(0.2)) return { how: 'removed', name: document.name, isSilent }
  if (random.chance(0.3)) return { how: 'removed first', document, pauseMs: random.below(40) }
  const pausesMs = Array.from({ length: random.between(1, 4) }, () =>
    random.chance(0.7) ? random.below(5) : random.below(400),
  )
  return { how: 'in place', document, pausesMs, isTorn: random.chance(0.2) }
}

/** An object as a program, or a server, says it. */
export function documentOf(random: Random): Document {
  const kind = random.below(10)
  const namespace = random.chance(0.7) ? 'default' : random.pick(namespaceNames)
  if (kind === 0) return namespaceOf(random.pick(namespaceNames), { team: random.pick(['x', 'y']) })
  if (kind < 3) {
    const labels = { app: random.pick(['x', 'y']), role: random.pick(['x', 'y']) }
    return podOf(namespace, random.pick(podNames), random.chance(0.7) ? 'here' : 'there', labels)
  }
  const [drawn] = fc.sample(anyRawPolicy, { seed: random.below(2 ** 31), numRuns: 1 })
  const manifest = JSON.parse(JSON.stringify(drawn)) as NonNullable<typeof drawn>
  // What a whole file means others test; here it matters that it is whole.
  const policy = parseNetworkPolicy(manifest)
  if (policy._tag === 'Left') throw new RangeError(JSON.stringify(policy.left))
  return { name: fileOf(policy.right), manifest, policy: policy.right }
}

const namespaceOf = (name: string, labels: object): Document => ({
  name: `namespace-${name}.json`,
  manifest: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
})

function podOf(namespace: string, name: string, node: string, labels: PodFact['labels']): Document {
  const podIPs = ownAddresses(namespace, name, 0).map(ip => ({ ip }))
  return {
    name: `pod-${namespace}-${name}.json`,
    manifest: {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name, labels } },
      spec: { nodeName: node, containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 80 }] }] },
      status: { phase: 'Running', podIP: podIPs[0]?.ip, podIPs },
    },
  }
}
