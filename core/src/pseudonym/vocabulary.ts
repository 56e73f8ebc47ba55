import type { EventBody } from '../event/event.js'
import { objectOfBody } from './object-of-body.js'

/** What a list of events names. */
export interface Vocabulary {
  readonly namespaces: ReadonlySet<string>
  /** Of all other objects, and of workloads. */
  readonly names: ReadonlySet<string>
  /** Label keys of pods and namespaces: what a filter of labels may speak of. */
  readonly podKeys: ReadonlySet<string>
  readonly namespaceKeys: ReadonlySet<string>
  /** Names that DNS gave answers for. */
  readonly domains: ReadonlySet<string>
}

export function vocabularyOf(bodies: Iterable<EventBody>): Vocabulary {
  const [namespaces, names] = [new Set<string>(), new Set<string>()]
  const [podKeys, namespaceKeys, domains] = [new Set<string>(), new Set<string>(), new Set<string>()]
  for (const body of bodies) {
    const object = objectOfBody(body)
    if (object !== undefined) {
      namespaces.add(object.namespace)
      if (object.kind === 'Namespace') namespaces.add(object.name)
      else names.add(object.name)
    }
    if (body.kind === 'pod.upserted') {
      const { labels, node, workload } = body.pod
      for (const key of Object.keys(labels)) podKeys.add(key)
      names.add(node)
      if (workload !== undefined) names.add(workload.slice(workload.indexOf('/') + 1))
    }
    if (body.kind === 'namespace.upserted') for (const key of Object.keys(body.namespace.labels)) namespaceKeys.add(key)
    if (body.kind === 'agent.configured') names.add(body.agent.node)
    if (body.kind === 'dns.answered') domains.add(body.answer.name)
  }
  return { namespaces, names, podKeys, namespaceKeys, domains }
}
