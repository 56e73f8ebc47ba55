import type { Problem } from '@weir/core/errors.js'
import type { ObjectKey } from '@weir/core/event/event.js'
import type { UpsertBody } from '@weir/core/input/kinds.js'
import { type FileReading, isRefusal, placeTitle } from './file.js'
import { keyText, keyTitle, type ManifestObject, type ManifestSet, type Refusal } from './set.js'

/** A file's reading, and what its earlier ones said that this one is too broken to say or to take back. */
export interface RememberedReading {
  readonly reading: FileReading
  /** In force as long as no file says otherwise. */
  readonly kept: readonly (ManifestObject | Refusal)[]
  /** True when the file is unreadable, in part or whole, and no earlier reading of it is known. */
  readonly unknown: boolean
}

/** The keys that an entry claims: its own, and those of the pods that it makes. */
export const claimsOf = (entry: ManifestObject | Refusal): readonly ObjectKey[] =>
  isRefusal(entry)
    ? [entry.object]
    : [entry.object, ...entry.bodies.flatMap(body => (body.kind === 'pod.upserted' ? [podKey(body)] : []))]

const podKey = ({ pod }: Extract<UpsertBody, { kind: 'pod.upserted' }>): ObjectKey => ({
  kind: 'Pod',
  namespace: pod.namespace,
  name: pod.name,
})

class Assembly {
  readonly #owners = new Map<string, ManifestObject | Refusal>()
  readonly objects: ManifestObject[] = []
  readonly refusals = new Map<string, Refusal>()

  take(entry: ManifestObject | Refusal): void {
    const claims = claimsOf(entry)
    const taken = claims.find(claim => this.#owners.has(keyText(claim)))
    if (taken !== undefined) this.#refuseLater(entry, taken)
    else {
      for (const claim of claims) this.#owners.set(keyText(claim), entry)
      if (isRefusal(entry)) this.refuse(entry)
      else this.objects.push(entry)
    }
  }

  /** What a broken file said before, or one that has just gone, as far as nobody else says it now. */
  keep(entry: ManifestObject | Refusal): void {
    if (claimsOf(entry).every(claim => !this.#owners.has(keyText(claim)))) this.take(entry)
  }

  refuse(refusal: Refusal): void {
    const key = keyText(refusal.object)
    const earlier = this.refusals.get(key)
    const problems = [...(earlier?.problems ?? []), ...refusal.problems]
    this.refusals.set(key, { ...(earlier ?? refusal), problems })
  }

  #refuseLater(entry: ManifestObject | Refusal, taken: ObjectKey): void {
    if (isRefusal(entry)) this.refuse(entry)
    const first = placeTitle(this.#owners.get(keyText(taken))!)
    const { object, file, line } = entry
    const whose = keyText(taken) === keyText(object) ? 'this object' : `its ${keyTitle(taken)}`
    const message = `${whose} is already defined: ${first}`
    const problem: Problem = { file, line, path: 'metadata.name', message, expected: 'a name that nothing else has' }
    this.refuse({ code: 'WEIR_MANIFEST_DUPLICATE', object, file, line, problems: [problem] })
  }
}

/**
 * One set of all files, in the order of their names. Of two definitions of one object the first stays (even if it is
 * the broken one) and the later is refused; likewise where a workload's pod has the name of another pod.
 */
export const assembleManifests = (root: string, files: readonly RememberedReading[]): ManifestSet => {
  const assembly = new Assembly()
  for (const { reading } of files) {
    if (reading.refusal !== undefined) assembly.refuse(reading.refusal)
    for (const entry of reading.entries) assembly.take(entry)
  }
  for (const { kept } of files) for (const entry of kept) assembly.keep(entry)
  return {
    root,
    objects: assembly.objects,
    refusals: [...assembly.refusals.values()],
    skipped: files.flatMap(({ reading }) => reading.skipped),
    incomplete: files.some(({ unknown }) => unknown),
  }
}
