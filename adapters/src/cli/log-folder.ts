import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { EventLog } from '@weir/store'
import type { CommandContext } from './command.js'

/** Where an agent keeps its log unless told otherwise. */
export const defaultStateFolder = '/var/lib/weir'

/** The log's folder in an agent's state folder. */
export const logFolderIn = (stateFolder: string): string => join(stateFolder, 'log')

/** The log that a command is about: a log's folder, or the state folder of an agent that has one. */
export async function logFolder(context: CommandContext, given: string | undefined): Promise<string> {
  const folder = resolve(context.workingFolder, given ?? context.environment.WEIR_STATE ?? defaultStateFolder)
  const inside = logFolderIn(folder)
  return (await isFolder(inside)) ? inside : folder
}

/**
 * Runs work on a copy of a log; an agent that is writing it isn't disturbed. Ctrl-C ends it where it reads.
 *
 * @param salvage Read what is left of a log whose files are damaged, too.
 */
export async function readingLog<Result>(
  { interrupted: signal }: Pick<CommandContext, 'interrupted'>,
  folder: string,
  work: (log: EventLog) => Promise<Result>,
  salvage = false,
): Promise<Result> {
  const log = await EventLog.openReadOnly({ path: folder, whileHeld: true, salvage, signal })
  try {
    return await work(log)
  } finally {
    await log.close()
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}
