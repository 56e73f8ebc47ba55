import { isAbsolute, relative } from 'node:path'
import type { ChangedBy } from '@weir/core'
import { type EventSource, type SourceEntry, sourcesBySeq } from '../agent/event-source.js'
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
    const place = placeOfEvent(await state.sourceOf(seq), workingFolder)
    if (place !== undefined) places.set(seq, place)
  }
  return seq => places.get(seq)
}

/** Where an event came from and who made the change: `web.yaml:3, by kubectl-edit`. */
export function placeOfEvent({ source, by }: EventSource, workingFolder: string): string | undefined {
  const place = placeOfSource(source, workingFolder)
  return by === undefined ? place : [...(place === undefined ? [] : [place]), `by ${by.manager}`].join(', ')
}

/** The places of the events that an answer names, of those that have one. */
export function placesIn(entries: readonly SourceEntry[], workingFolder: string): ReadonlyMap<number, string> {
  const places = new Map<number, string>()
  for (const [seq, found] of sourcesBySeq(entries)) {
    const place = placeOfEvent(found, workingFolder)
    if (place !== undefined) places.set(seq, place)
  }
  return places
}

/** The same in full, of the event that is spoken of. */
export function provenanceOf({ source, by }: EventSource, workingFolder: string): string {
  const place = placeOfSource(source, workingFolder) ?? source
  return by === undefined ? place : `${place}, ${changedByText(by)}`
}

/** `by kubectl-edit (Update, 2026-01-02T03:04:05.000Z)` */
export function changedByText({ manager, operation, time }: ChangedBy): string {
  const how = [
    ...(operation === undefined ? [] : [operation]),
    ...(time === undefined ? [] : [new Date(time).toISOString()]),
  ].join(', ')
  return `by ${manager}${how === '' ? '' : ` (${how})`}`
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
  const [, file, at] = /^manifests:(.+):(\d+)$/.exec((await state.sourceOf(seq)).source) ?? []
  if (file === undefined) return undefined
  const found = line ?? (await state.fieldLines?.lineOf(file, Number(at), path)) ?? at
  return placeOfSource(`manifests:${file}:${found}`, workingFolder)
}
