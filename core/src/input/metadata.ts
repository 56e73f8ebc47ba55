import { left, right } from 'fp-ts/lib/Either.js'
import type { Labels } from '../event/event.js'
import { dnsLabel } from './names.js'
import { fieldPath } from './path.js'
import { type Parsed, refuse } from './problem.js'
import { isMap, optional, optionalText, type Reader, record, type RecordOf } from './reader.js'
import { annotations, labels } from './selector.js'

/** What Weir reads of ObjectMeta. `namespace` is '' for cluster-wide kinds. */
export interface ObjectMeta {
  readonly name: string
  readonly namespace: string
  readonly labels: Labels
  readonly annotations: readonly (readonly [key: string, value: string])[]
}

/** Fields of ObjectMeta that Weir has no use for. */
const otherFields = [
  'generateName',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'ownerReferences',
  'finalizers',
  'managedFields',
  'selfLink',
]

const shared = {
  labels: optional(labels, {} as Labels),
  annotations: optional(annotations, [] as ObjectMeta['annotations']),
}

const noNamespace: Reader<string> = (value, path) =>
  refuse(path, 'objects of this kind belong to no namespace', value, 'no namespace')

const scoped = (namespaced: boolean): Reader<string> =>
  namespaced ? optionalText(dnsLabel, 'default') : optionalText(noNamespace, '')

/** ObjectMeta of an object whose name `name` reads. An absent namespace is `default`. */
export const objectMeta = (name: Reader<string>, namespaced: boolean): Reader<ObjectMeta> => {
  const reader = record({ name, namespace: scoped(namespaced), ...shared }, otherFields)
  return (value, path) => {
    if (isMap(value) && value.generateName !== undefined && value.name === undefined) {
      const message = 'generateName would make another object at every reading'
      const expected = 'metadata.name'
      return left([{ path: fieldPath(path, 'generateName'), message, expected }])
    }
    return reader(value, path)
  }
}

/** The metadata of a pod template: only its labels count. */
export const templateMeta: Reader<{ readonly labels: Labels }> = record(shared, ['name', 'namespace', ...otherFields])

const constant =
  (expected: string): Reader<string> =>
  (value, path) =>
    value === expected ? right(expected) : refuse(path, `this is not ${expected}`, value, expected)

/**
 * A whole object: `apiVersion` and `kind` must be those given, `metadata` and the given fields are read, the `ignored`
 * ones may be there, any other is refused.
 */
export const objectOf = <F extends Readonly<Record<string, Reader<unknown>>>>(
  apiVersion: string,
  kind: string,
  metadata: Reader<ObjectMeta>,
  fields: F,
  ignored: readonly string[],
): ((raw: unknown) => Parsed<RecordOf<F> & { readonly metadata: ObjectMeta }>) => {
  const reader = record({ apiVersion: constant(apiVersion), kind: constant(kind), metadata, ...fields }, ignored)
  return raw => reader(raw, '') as Parsed<RecordOf<F> & { readonly metadata: ObjectMeta }>
}
