import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { UndoSearch } from '@weir/core/undo/search.js'
import type { EventLog } from '@weir/store'
import { sourceAt } from '../../agent/log-events.js'
import { keyTitle } from '../../manifests/set.js'
import type { CommandContext } from '../command.js'
import { placesOf } from '../origins.js'
import type { Places } from '../render/change.js'
import { manifestText } from '../render/yaml.js'

/** Where the rules stand that other flows are judged by, before and after an undo. */
export async function placesOfUndo(
  log: EventLog,
  { undo: search }: { readonly undo?: UndoSearch },
  workingFolder: string,
): Promise<Places> {
  const outcomes = search?.undo?.others.flatMap(({ before, after }) => [before, after]) ?? []
  const seqs = outcomes.flatMap(({ causes }) => causes.flatMap(({ origins }) => origins.map(({ seq }) => seq)))
  // What the undo brings is no event of the log.
  const known = seqs.filter(seq => seq <= log.head.seq)
  const placed = await placesOf({ sourceOf: at => sourceAt(log, at) }, known, workingFolder)
  return { before: placed, after: placed }
}

/** Writes the changed object, so that `kubectl apply -f` or a followed folder takes it. */
export async function writeUndo(
  { terminal, workingFolder }: CommandContext,
  search: UndoSearch | undefined,
  file: string,
): Promise<void> {
  const undo = search?.undo
  if (undo === undefined) terminal.note(`weir: ${file} isn't written: there is no undo`)
  else if (undo.after === undefined)
    terminal.note(`weir: ${file} isn't written: ${keyTitle(undo.object)} has to be deleted, which no manifest says`)
  else await writeFile(resolve(workingFolder, file), manifestText(undo.after))
}
