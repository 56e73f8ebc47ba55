import type { Snapshots } from '../snapshots/snapshots.js'
import type { LogDatabase } from '../storage/storage.js'
import { baseSnapshotName, type LogBase, readBase } from './base.js'
import { finding, type LogFinding } from './finding.js'
import { decodeGroup, type Group, groupIntact, recordIntact } from './group.js'
import type { LogHead } from './head.js'
import { findHead, hasMark } from './open.js'
import type { RecordCodec } from './record.js'
import { storedGroups } from './reader.js'
import { MarkCheck } from './time-marks.js'

export interface VerifyOptions {
  /** First event to check; the chain is checked from the group that holds it. Default 1. */
  readonly from?: number
  /** A head that the log is known to have had, from elsewhere: shows a log that lost its end without a trace. */
  readonly knownHead?: LogHead
  /** Heads that were signed: the log must have had each, with a group that ends there. */
  readonly signedHeads?: readonly LogHead[]
  /** Called now and then with the event that was checked last and the one that the log ends with. */
  readonly onProgress?: (progress: { readonly seq: number; readonly head: number }) => void
}

export interface VerifyReport {
  /** In the order of the log; empty for a sound one. */
  readonly findings: readonly LogFinding[]
  /** Events that are there, as written, and decode. */
  readonly events: number
  readonly snapshots: number
  readonly head: LogHead
}

/** Walks the log: density, bytes, chain, decoding, the end, the snapshots. */
export async function verifyLog(
  database: LogDatabase,
  codec: RecordCodec,
  snapshots: Snapshots,
  head: LogHead,
  base: LogBase,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const from = Math.max(options.from ?? 1, base.seq + 1)
  const signed = options.signedHeads ?? []
  const times = await MarkCheck.open(database, from - 1, base.seq)
  const walk = new Walk(codec, from, options.knownHead, signed, times, from === base.seq + 1 ? base.hash : undefined)
  if (signed.some(({ seq, hash }) => seq === base.seq && hash !== base.hash))
    walk.findings.push(
      finding('checkpoint', base.seq, base.seq, `the log doesn't begin at the event ${base.seq} that was signed`),
    )
  if ((await readBase(database)) === 'unreadable')
    walk.findings.push(finding('mark', 1, Math.max(1, base.seq), 'the record of where the log begins is unreadable'))
  for (let resume = from; resume <= head.seq; ) {
    try {
      for await (const stored of storedGroups(database, resume)) {
        for (const { last, value } of stored) walk.group(last, value)
        options.onProgress?.({ seq: Math.min(walk.expected - 1, head.seq), head: head.seq })
      }
      break
    } catch (error) {
      resume = await walk.skipUnreadable(database, head.seq, error as Error)
    }
  }
  walk.end(head.seq)
  if (walk.findings.length === 0) {
    times.end(head.seq)
    walk.findings.push(...times.findings)
  }
  if (head.seq === 0 || walk.findings.length === 0) walk.findings.push(...(await findHead(database)).findings)
  if (!(await hasMark(database)))
    walk.findings.push(finding('mark', 1, Math.max(1, head.seq), "the mark of a log is gone or isn't what was written"))
  let count = 0
  const bad = await snapshots.verify(() => count++)
  if (base.seq > 0 && !(await snapshots.list(baseSnapshotName)).includes(base.seq)) {
    const message = `the snapshot that stands for events 1 to ${base.seq} is gone`
    walk.findings.push(finding('missing', base.seq, base.seq, message))
  }
  return { findings: [...walk.findings, ...bad], events: walk.events, snapshots: count, head }
}

class Walk {
  readonly findings: LogFinding[] = []
  events = 0
  expected: number
  readonly #codec: RecordCodec
  readonly #from: number
  readonly #known: LogHead | undefined
  /** By event, oldest first. */
  readonly #signed: readonly LogHead[]
  readonly #times: MarkCheck
  #nextSigned = 0
  /** Hash that the next group must follow; undefined where the one before couldn't be read. */
  #previous: string | undefined

  constructor(
    codec: RecordCodec,
    from: number,
    known: LogHead | undefined,
    signed: readonly LogHead[],
    times: MarkCheck,
    previous: string | undefined,
  ) {
    this.#codec = codec
    this.#from = from
    this.#known = known
    this.#times = times
    this.#signed = signed.filter(({ seq }) => seq >= from)
    this.expected = from
    this.#previous = previous === '' ? undefined : previous
  }

  group(last: number, value: Buffer): void {
    const group = decodeGroup(value)
    if (group === undefined) {
      this.#find('altered', this.expected, last, `the group that ends with event ${last} can't be read`)
      this.#next(last + 1, undefined)
      return
    }
    if (group.last !== last) {
      this.#find(
        'misplaced',
        this.expected,
        last,
        `events ${group.first} to ${group.last} lie where ${last} should end`,
      )
      this.#next(last + 1, undefined)
      return
    }
    if (group.first > this.expected) {
      const gone = group.first - 1
      this.#find('missing', this.expected, gone, `events ${this.expected} to ${gone} are gone`)
      this.#previous = undefined
    } else if (group.first < this.expected && this.expected > this.#from) {
      this.#find(
        'misplaced',
        group.first,
        this.expected - 1,
        `events ${group.first} to ${this.expected - 1} are there twice`,
      )
      this.#previous = undefined
    }
    const altered = this.#records(group, groupIntact(value))
    if (!altered && this.#previous !== undefined && this.#previous !== group.previous) {
      this.#find('chain', group.first, group.last, `event ${group.first} doesn't follow from the one before`)
    }
    if (this.#known?.seq === group.last && this.#known.hash !== group.hash) {
      this.#find('chain', group.first, group.last, `the log up to event ${group.last} isn't the one that is known`)
    }
    this.#compareSigned(group)
    this.#times.group(group.last)
    this.#next(group.last + 1, group.hash)
  }

  #compareSigned(group: Group): void {
    for (let head = this.#signed[this.#nextSigned]; head !== undefined && head.seq <= group.last; ) {
      if (head.seq === group.last ? head.hash !== group.hash : head.seq >= group.first)
        this.#find('checkpoint', head.seq, head.seq, `the log up to event ${head.seq} isn't the one that was signed`)
      head = this.#signed[++this.#nextSigned]
    }
  }

  end(head: number): void {
    const until = Math.max(head, this.#known?.seq ?? 0, this.#signed.at(-1)?.seq ?? 0)
    if (this.expected <= until) {
      this.#find('truncated', this.expected, until, `events ${this.expected} to ${until} are gone`)
    }
  }

  /** Looks for the next group that can be read at all, and returns where to go on. */
  async skipUnreadable(database: LogDatabase, head: number, error: Error): Promise<number> {
    const start = this.expected
    for (let step = 1; start + step <= head; step *= 2) {
      try {
        for await (const [stored] of storedGroups(database, start + step, start + step)) {
          const first = stored === undefined ? undefined : decodeGroup(stored.value)?.first
          if (first === undefined) break
          this.#find('unreadable', start, Math.max(start, first - 1), `the storage can't be read: ${error.message}`)
          this.#next(Math.max(start + 1, first), undefined)
          return this.expected
        }
      } catch {
        // Still within the damage: look further on.
      }
    }
    this.#find('unreadable', start, head, `the storage can't be read: ${error.message}`)
    this.#next(head + 1, undefined)
    return this.expected
  }

  /** Checks the records of a group and returns whether the group's own hash fails. */
  #records(group: Group, intact: boolean): boolean {
    let located = false
    for (let seq = Math.max(group.first, this.#from); seq <= group.last; seq++) {
      const index = seq - group.first
      if (!recordIntact(group, index)) {
        this.#find('altered', seq, seq, `event ${seq} isn't what was written`)
        located = true
        continue
      }
      try {
        this.#times.event(this.#codec.decode(group.value, seq, group.offsets[index], group.offsets[index + 1]).time)
        this.events++
      } catch (error) {
        this.#find('undecodable', seq, seq, `event ${seq} can't be decoded: ${(error as Error).message}`)
      }
    }
    if (!intact && !located) {
      this.#find(
        'altered',
        group.first,
        group.last,
        `the frame around events ${group.first} to ${group.last} was altered`,
      )
    }
    return !intact
  }

  #find(kind: LogFinding['kind'], seq: number, lastSeq: number, message: string): void {
    this.findings.push(finding(kind, seq, lastSeq, message))
  }

  #next(seq: number, hash: string | undefined): void {
    this.expected = Math.max(this.expected, seq)
    this.#previous = hash
  }
}
