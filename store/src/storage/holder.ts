import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LogHolder } from '@weir/core/errors.js'

interface HolderFile extends LogHolder {
  /** Start time of the process as the kernel counts it: tells a reused pid from the one that wrote this. */
  readonly started: string
}

const fileOf = (folder: string): string => join(folder, 'holder.json')

/** Writes down who writes the log. It only names the holder; what keeps a second writer out is LevelDB's lock. */
export async function writeHolder(folder: string, holder: LogHolder): Promise<void> {
  const content: HolderFile = { ...holder, started: await startOf(holder.pid) }
  const file = fileOf(folder)
  await writeFile(`${file}.new`, `${JSON.stringify(content)}\n`)
  await rename(`${file}.new`, file)
}

export async function removeHolder(folder: string): Promise<void> {
  await rm(fileOf(folder), { force: true })
}

/** The holder of the log, or undefined when nobody said so or whoever did is gone (killed, or the machine restarted). */
export async function readHolder(folder: string): Promise<LogHolder | undefined> {
  let content: HolderFile
  try {
    content = JSON.parse(await readFile(fileOf(folder), 'utf8')) as HolderFile
  } catch {
    return undefined
  }
  const started = await startOf(content.pid)
  if (started === '' || started !== content.started) return undefined
  return { pid: content.pid, command: content.command, since: content.since }
}

async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    // The command stands in parentheses and may hold spaces; the start time is field 22 of the whole line.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
