import { derivedKeys, namespaceLabels } from '../identity/labels.js'
import type { Reading } from './ends.js'

/**
 * What a pod has from each namespace that there is, state by state; one that a state doesn't know is taken to be there
 * as in the other. States that say the same share one map.
 */
export function namespaceFaces(
  readings: readonly Reading[],
): ReadonlyMap<string, readonly ReadonlyMap<string, string>[]> {
  const byState = readings.map(reading => facesIn(reading))
  const names = new Set(byState.flatMap(faces => [...faces.keys()]))
  return new Map(
    [...names].map(name => {
      const found = byState.map(faces => faces.get(name))
      const example = found.findLast(each => each !== undefined)!
      const faces = found.map(each => each ?? example)
      return [name, faces.map(each => faces.find(other => isSame(other, each))!)]
    }),
  )
}

function facesIn({ state, residents }: Reading): Map<string, ReadonlyMap<string, string>> {
  const names = new Set(state.namespaces.keys())
  for (const { pod } of residents.values()) names.add(pod.namespace)
  return new Map(
    [...names].map(name => {
      const labels = new Map<string, string>([
        [derivedKeys.namespace, name],
        [derivedKeys.cluster, state.agent?.fact.cluster ?? 'default'],
      ])
      for (const [key, value] of namespaceLabels(name, state.namespaces.get(name)?.fact.labels))
        labels.set(derivedKeys.namespaceLabels + key, value)
      return [name, labels]
    }),
  )
}

const isSame = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean =>
  a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
