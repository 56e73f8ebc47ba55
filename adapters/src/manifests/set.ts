import { type Problem, WeirError } from '@weir/core/errors.js'
import type { ChangedBy } from '@weir/core/event/changed-by.js'
import type { ObjectKey } from '@weir/core/event/event.js'
import type { UpsertBody } from '@weir/core/input/kinds.js'

/** Why a manifest, or an object in it, is refused. */
export type RefusalCode =
  | 'WEIR_INPUT_INVALID'
  | 'WEIR_MANIFEST_UNREADABLE'
  | 'WEIR_MANIFEST_TOO_LARGE'
  | 'WEIR_MANIFEST_NOT_UTF8'
  | 'WEIR_MANIFEST_NOT_YAML'
  | 'WEIR_MANIFEST_TOO_COMPLEX'
  | 'WEIR_MANIFEST_DUPLICATE'
  | 'WEIR_MANIFEST_ADDRESSES_EXHAUSTED'

/** Where something stands, and who says it. */
interface Placed {
  /** A file; of an API server's object its path there. */
  readonly file: string
  readonly line: number
  /** What the log is to name as the source, where it isn't the place in a manifest. */
  readonly origin?: string
}

/** An object that is understood. */
export interface ManifestObject extends Placed {
  readonly object: ObjectKey
  /** Its facts: one, or one for each pod of a workload. */
  readonly bodies: readonly UpsertBody[]
  /** False for a pod that has ended: it gets no address. */
  readonly running: boolean
  /** Who wrote it last, where it says so. */
  readonly by?: ChangedBy
  /** True when no manifest says so, but it follows from what stands at this place. */
  readonly isDerived?: true
}

/** An object, or a whole file (`kind: 'Manifest'`, named by its path), that can't be understood. */
export interface Refusal extends Placed {
  readonly code: RefusalCode
  readonly object: ObjectKey
  readonly problems: readonly Problem[]
}

/** An object of a kind that Weir has no use for. */
export interface SkippedObject {
  readonly object: ObjectKey
  readonly apiVersion: string
  readonly file: string
  readonly line: number
  readonly reason: string
}

/** What may differ between two sets: all that they say of some keys. */
export interface ManifestPart extends Pick<ManifestSet, 'objects' | 'refusals' | 'skipped'> {
  /** Every key that either set says something of and that may differ, by its text. */
  readonly keys: ReadonlyMap<string, ObjectKey>
}

/** All that a folder of manifests says. */
export interface ManifestSet {
  /** Absolute path of the folder or file. */
  readonly root: string
  /** By file name, then line. */
  readonly objects: readonly ManifestObject[]
  /** One for each object or file. */
  readonly refusals: readonly Refusal[]
  readonly skipped: readonly SkippedObject[]
  /**
   * True while a file is unreadable and it isn't known what it said before: then nothing may be deleted, for any
   * object that is missing may be in that file.
   */
  readonly incomplete: boolean
  /** What may differ from the set that the same reader gave before; absent when anything may. */
  readonly changed?: ManifestPart
}

/** The key of a file that is refused as a whole. */
export const fileKey = (file: string): ObjectKey => ({ kind: 'Manifest', namespace: '', name: file })

/** `Kind/namespace/name` */
export const keyText = ({ kind, namespace, name }: ObjectKey): string => `${kind}/${namespace}/${name}`

/** `NetworkPolicy default/deny-all` for readers. */
export const keyTitle = ({ kind, namespace, name }: ObjectKey): string =>
  `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`

/** `file:12: spec.podSelector: what is wrong (value); expected what is right` */
export const problemText = ({ file, line, path, message, value, expected }: Problem): string => {
  const place = [file, line, path].filter(part => part !== undefined && part !== '').join(':')
  const shown = value === undefined ? '' : ` (${value})`
  return `${place}: ${message}${shown}${expected === undefined ? '' : `; expected ${expected}`}`
}

/** A refusal as an error, for callers that can't go on without the object. */
export const refusalError = ({ code, object, file, problems }: Refusal): WeirError => {
  const message = `${keyTitle(object)} is refused: ${problems.map(problemText).join('; ')}`
  return code === 'WEIR_INPUT_INVALID'
    ? new WeirError(code, message, { problems })
    : new WeirError(code, message, { file, problems })
}
