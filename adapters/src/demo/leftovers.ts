import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { removeNamespacesOf } from '../network/node-network.js'

/** Where runs write down what they make, one file each. Lost at reboot, as is all that it names. */
export const runFolder = '/run/weir/demo'

/** What one run makes outside its own process. Written before the first of it exists, so that no crash loses it. */
export interface RunRecord {
  /** Part of every namespace's name. */
  readonly id: string
  readonly pid: number
  /** Start of process `pid` in clock ticks since boot: numbers of processes are used again. */
  readonly startTicks: string
  /** Folders to remove: pins, the log, the socket. */
  readonly folders: readonly string[]
  /** Folders of cgroups to remove. */
  readonly cgroups?: readonly string[]
}

/** Writes down that this process is about to make these things. */
export async function recordRun(
  id: string,
  folders: readonly string[],
  cgroups: readonly string[] = [],
): Promise<RunRecord> {
  const record: RunRecord = { id, pid: process.pid, startTicks: startTicksOf(process.pid) ?? '', folders, cgroups }
  await mkdir(runFolder, { recursive: true, mode: 0o700 })
  await writeFile(join(runFolder, `${id}.json`), `${JSON.stringify(record)}\n`, { mode: 0o600 })
  return record
}

/** Takes away all that a run made, then its record. May be repeated; what is gone already is no error. */
export async function clearRun(record: RunRecord): Promise<void> {
  await removeNamespacesOf(record.id)
  // Pins are files too, and removing the last pin of a link detaches it.
  for (const folder of record.folders) await rm(folder, { recursive: true, force: true })
  // A cgroup that is busy still, or gone, is no error: what is in it isn't ours to end.
  for (const cgroup of record.cgroups ?? []) await rmdir(cgroup).catch(() => {})
  await rm(join(runFolder, `${record.id}.json`), { force: true })
}

/**
 * Takes away what runs left whose process is gone.
 *
 * @returns the ids of those runs.
 */
export async function clearLeftovers(): Promise<readonly string[]> {
  const cleared: string[] = []
  for (const name of await readdir(runFolder).catch(() => [])) {
    if (!name.endsWith('.json')) continue
    const record = parseRecord(await readFile(join(runFolder, name), 'utf8').catch(() => ''))
    if (record === undefined) {
      // Cut off while it was written, so before anything was made.
      await rm(join(runFolder, name), { force: true })
    } else if (record.startTicks === '' || startTicksOf(record.pid) !== record.startTicks) {
      await clearRun(record)
      cleared.push(record.id)
    }
  }
  return cleared
}

/** Start time of a process in clock ticks since boot (proc(5), field 22 of stat); undefined when there is none. */
function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in brackets and may hold blanks.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function parseRecord(text: string): RunRecord | undefined {
  try {
    const value = JSON.parse(text) as Partial<RunRecord>
    if (typeof value.id !== 'string' || !/^[a-z0-9]+$/.test(value.id)) return undefined
    const folders = (value.folders ?? []).filter(folder => typeof folder === 'string' && isOurs(folder))
    const cgroups = (value.cgroups ?? []).filter(cgroup => typeof cgroup === 'string' && isOurs(cgroup))
    return { id: value.id, pid: Number(value.pid), startTicks: String(value.startTicks ?? ''), folders, cgroups }
  } catch {
    return undefined
  }
}

/** A record is only followed to folders that a run can have made: the end of the path names Weir. */
function isOurs(folder: string): boolean {
  return folder.startsWith('/') && !folder.includes('/../') && /\/weir[-/][a-z0-9-]+$/.test(folder)
}
