import { isAbsolute, relative } from 'node:path'
import type { GivenState } from './states.js'

/** Where the rules of events stand, looked up at once: `policies/web.yaml:3`, relative to the working folder. */
export async function placesOf(
  state: Pick<GivenState, 'sourceOf'>,
  seqs: Iterable<number>,
  workingFolder: string,
): Promise<(seq: number) => string | undefined> {
  const places = new Map<number, string>()
  for (const seq of new Set(seqs)) {
    if (seq === 0) continue
    const place = placeOfSource(await state.sourceOf(seq), workingFolder)
    if (place !== undefined) places.set(seq, place)
  }
  return seq => places.get(seq)
}

/** File and line of a source that is a manifest; of another system's object what that says of its version. */
export function placeOfSource(source: string, workingFolder: string): string | undefined {
  const file = /^manifests:(.+:\d+)$/.exec(source)?.[1]
  if (file === undefined) return /^[a-z]+:\S/.test(source) && !source.startsWith('manifests:') ? source : undefined
  // What was no file has no path.
  if (!isAbsolute(file)) return file
  const near = relative(workingFolder, file)
  return near.startsWith('..') ? file : near
}

/** Where a field stands: as the object does, and on the line of the field where its manifest can be asked. */
export async function placeOfField(
  state: GivenState,
  { seq, path, line }: { readonly seq: number; readonly path: string; readonly line?: number },
  workingFolder: string,
): Promise<string | undefined> {
  if (seq === 0) return undefined
  const [, file, at] = /^manifests:(.+):(\d+)$/.exec(await state.sourceOf(seq)) ?? []
  if (file === undefined) return undefined
  const found = line ?? (await state.fieldLines?.lineOf(file, Number(at), path)) ?? at
  return placeOfSource(`manifests:${file}:${found}`, workingFolder)
}
