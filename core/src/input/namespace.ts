import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { Labels, NamespaceFact } from '../event/event.js'
import { objectMeta, objectOf } from './metadata.js'
import { dnsLabel } from './names.js'
import type { Parsed } from './problem.js'

/** The label by which policies select one namespace; the API server sets it on every one. */
const nameLabel = 'kubernetes.io/metadata.name'

const namespace = objectOf('v1', 'Namespace', objectMeta(dnsLabel, false), {}, ['spec', 'status'])

/** The fact of a namespace with these labels and the one that the API server adds. */
export const namespaceFact = (name: string, labels: Labels): NamespaceFact => {
  const all = Object.entries({ ...labels, [nameLabel]: name }).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return { name, labels: Object.fromEntries(all) }
}

/** A v1 Namespace. */
export const parseNamespace = (raw: unknown): Parsed<NamespaceFact> => {
  const parsed = namespace(raw)
  return isLeft(parsed) ? parsed : right(namespaceFact(parsed.right.metadata.name, parsed.right.metadata.labels))
}
