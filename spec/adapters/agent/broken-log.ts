import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import type { EventBody } from '@weir/core'
import { Level } from 'level'
import { allow, pod, smallShop } from './cluster.js'

/** A log on disk as agents leave it, with tables, a journal and snapshots; and copies of it to break. */
export class BrokenLogs {
  /** State folder of the log that nobody breaks. */
  readonly state: string
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
    this.state = join(folder, 'state')
  }

  static async create(rounds = 3): Promise<BrokenLogs> {
    const logs = new BrokenLogs(await mkdtemp(join(tmpdir(), 'weir-broken-')))
    await keepLog(logs.state, rounds, 'a')
    return logs
  }

  /** Another agent's log. */
  async other(): Promise<string> {
    const path = join(this.#folder, 'other')
    await keepLog(path, 3, 'b')
    return path
  }

  /** The path of a copy of the log's folder; of an earlier copy under the same name nothing is left. */
  async copy(name = 'copy'): Promise<string> {
    const path = join(this.#folder, name)
    await rm(path, { recursive: true, force: true })
    await cp(join(this.state, 'log'), path, { recursive: true })
    return path
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true })
  }
}

/** Each start of an agent moves what the journal held to a table. */
async function keepLog(state: string, rounds: number, word: string): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const options = { stateFolder: state, node: 'n1', backend: 'memory', clock: systemClock } as const
    const agent = await createAgent(options)
    if (round === 0) await agent.submit('spec', smallShop.slice(1))
    for (let at = 0; at < 40; at++) await agent.submit('spec', [noise(word, round, at)])
    await agent.stop()
  }
}

function noise(word: string, round: number, at: number): EventBody {
  if (at % 8 === 7)
    return { kind: 'networkpolicy.upserted', policy: allow(`${word}-${at}`, 'cart', `${word}${at}`, 8000 + round) }
  return { kind: 'pod.upserted', pod: pod(`${word}-${round}-${at}`, `10.1.${round}.${at + 1}`) }
}

export async function filesOf(log: string, ending: RegExp): Promise<string[]> {
  return (await readdir(join(log, 'db'))).filter(name => ending.test(name)).sort()
}

export async function changeFile(path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(path, change(await readFile(path)))
}

export function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at]! ^= 0x55
  return copy
}

/** Changes a log's database from within, as somebody does who knows how LevelDB writes. */
export async function inDatabase(
  log: string,
  work: (database: Level<Buffer, Buffer>) => Promise<unknown>,
): Promise<void> {
  const database = new Level<Buffer, Buffer>(join(log, 'db'), { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  try {
    await database.open()
    await work(database)
  } finally {
    await database.close()
  }
}
