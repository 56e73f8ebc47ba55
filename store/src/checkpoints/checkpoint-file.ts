import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFailed } from '../log/failure.js'
import { finding, type LogFinding } from '../log/finding.js'
import { type Checkpoint, isSigned, linkTo, parseCheckpoint } from './checkpoint.js'

/** Checkpoints lie beside the database, one a line: whoever copies the log's folder has them. */
const fileOf = (folder: string): string => join(folder, 'checkpoints.ndjson')

/** The checkpoints of a log, in their order, and what is wrong with them in themselves. */
export interface StoredCheckpoints {
  readonly checkpoints: readonly Checkpoint[]
  readonly findings: readonly LogFinding[]
}

/**
 * Reads the checkpoints beside a log and checks signatures and order; a log without any has an empty list.
 *
 * A last line without its end is what a crash leaves: it counts for nothing and is no finding.
 */
export async function readCheckpoints(folder: string): Promise<StoredCheckpoints> {
  const text = await readFile(fileOf(folder), 'utf8').catch(absent)
  const checkpoints: Checkpoint[] = []
  const findings: LogFinding[] = []
  const lines = text.split('\n').slice(0, -1)
  for (const [at, line] of lines.entries()) {
    const checkpoint = parseCheckpoint(line)
    const before = checkpoints.at(-1)
    const seq = checkpoint?.seq ?? before?.seq ?? 1
    const bad = (message: string): number => findings.push(finding('checkpoint', seq, seq, message))
    if (checkpoint === undefined) bad(`line ${at + 1} of the checkpoints isn't one`)
    else if (!isSigned(checkpoint)) bad(`the checkpoint at event ${seq} isn't as it was signed`)
    else {
      if (checkpoint.previous !== linkTo(before) || seq < (before?.seq ?? 0))
        bad(`the checkpoint at event ${seq} doesn't follow the one before it: one is gone, or of another log`)
      checkpoints.push(checkpoint)
    }
  }
  return { checkpoints, findings }
}

/**
 * Adds checkpoints behind those that are there; one at a time. Each is durable when `add` resolves.
 *
 * @throws WeirError WEIR_LOG_WRITE_FAILED
 */
export class CheckpointFile {
  readonly #folder: string
  #last: Checkpoint | undefined

  private constructor(folder: string, last: Checkpoint | undefined) {
    this.#folder = folder
    this.#last = last
  }

  /** Cuts off a line that a crash left without its end. */
  static async open(folder: string): Promise<CheckpointFile> {
    const text = await readFile(fileOf(folder), 'utf8').catch(absent)
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    if (whole.length < text.length) {
      const file = await open(fileOf(folder), 'r+')
      await file.truncate(Buffer.byteLength(whole)).finally(() => file.close())
    }
    const { checkpoints } = await readCheckpoints(folder)
    return new CheckpointFile(folder, checkpoints.at(-1))
  }

  get last(): Checkpoint | undefined {
    return this.#last
  }

  async add(checkpoint: Checkpoint): Promise<void> {
    try {
      const file = await open(fileOf(this.#folder), 'a', 0o600)
      try {
        await file.write(`${JSON.stringify(checkpoint)}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
    } catch (cause) {
      throw writeFailed(this.#folder, checkpoint.seq, `checkpoint at event ${checkpoint.seq}`, cause)
    }
    this.#last = checkpoint
  }
}

function absent(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return ''
  throw error
}
