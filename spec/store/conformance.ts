import type { WeirEvent } from '@weir/core/event/event.js'
import type { WeirError } from '@weir/core/errors.js'
import { emptyHead, EventLog, type LogStorage, type OpenOptions } from '@weir/store'
import { expect } from 'chai'
import fc from 'fast-check'
import { anyDraft, draft, draftsOf, readAll } from './drafts.js'

/** A place for logs, as the suite below wants it. */
export interface LogPlace {
  /** The storage of one log; called again to open the same log anew. */
  storage(): LogStorage
  /** Removes what `storage` made. */
  remove(): Promise<void>
}

export interface Conformance {
  readonly name: string
  /** A fresh place for one log. */
  factory(): Promise<LogPlace>
  readonly supports: {
    /** What was written is there when the log is opened again. */
    readonly reopen: boolean
    /** A second opening of a log that is open fails. */
    readonly lock: boolean
  }
}

/** The code of the error that `work` ends in; fails when there is none. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    return (error as WeirError).code
  }
  throw new Error('it was expected to fail')
}

/** What every event log must do, wherever it keeps its events. */
export function eventLogConformance({ name, factory, supports }: Conformance): void {
  describe(`event log on ${name}`, function () {
    this.timeout(30_000)
    let place: LogPlace
    let log: EventLog
    const open = (options: Partial<OpenOptions> = {}): Promise<EventLog> =>
      EventLog.open({ storage: place.storage(), ...options })

    beforeEach(async () => {
      place = await factory()
      log = await open()
    })

    afterEach(async () => {
      await log.close()
      await place.remove()
    })

    it('starts empty', async () => {
      expect(log.head).to.deep.equal(emptyHead)
      expect(await readAll(log)).to.deep.equal([])
    })

    it('numbers events densely from 1, in the order of the calls', async () => {
      const got = await Promise.all([
        log.append([draft(1)]),
        log.append(draftsOf(3, 2)),
        log.append([]),
        log.append([draft(5)]),
      ])
      expect(got).to.deep.equal([
        { first: 1, last: 1 },
        { first: 2, last: 4 },
        { first: 5, last: 4 },
        { first: 5, last: 5 },
      ])
      expect(log.head.seq).to.equal(5)
      expect(await readAll(log)).to.deep.equal(draftsOf(5).map((event, i) => ({ ...event, seq: i + 1 })))
    })

    it('gives back any draft as it was appended', async () => {
      const drafts: unknown[] = []
      await fc.assert(
        fc.asyncProperty(fc.array(anyDraft, { minLength: 1, maxLength: 30 }), async batch => {
          const { first, last } = await log.append(batch)
          drafts.push(...batch)
          const read = await readAll(log, { from: first, to: last })
          expect(read).to.deep.equal(batch.map((event, i) => ({ ...event, seq: first + i })))
        }),
        { numRuns: 60 },
      )
      expect((await readAll(log)).map(({ seq, ...event }) => event)).to.deep.equal(drafts)
    })

    it('reads every range, in batches of at most the size asked for', async () => {
      for (let at = 1; at <= 40; at += 4) await log.append(draftsOf(4, at))
      for (const batchSize of [1, 3, 4, 100]) {
        for (const [from, to] of [
          [1, 40],
          [2, 2],
          [4, 5],
          [7, 33],
          [39, 99],
          [41, 50],
          [5, 4],
        ] as const) {
          const seqs: number[] = []
          for await (const batch of log.read({ from, to, batchSize })) {
            expect(batch.length).to.be.within(1, batchSize)
            seqs.push(...batch.map(({ seq }) => seq))
          }
          const wanted = Array.from({ length: Math.max(0, Math.min(to, 40) - from + 1) }, (_, i) => from + i)
          expect(seqs, `${from}..${to}`).to.deep.equal(wanted)
        }
      }
    })

    it('splits a large append into groups and keeps it in one row', async () => {
      const drafts = draftsOf(20_000)
      expect(await log.append(drafts)).to.deep.equal({ first: 1, last: 20_000 })
      expect((await readAll(log, { from: 9_999, to: 10_002 })).map(({ seq }) => seq)).to.deep.equal([
        9_999, 10_000, 10_001, 10_002,
      ])
      expect((await log.verify()).findings).to.deep.equal([])
    })

    it('lets one reader stop in the middle', async () => {
      await log.append(draftsOf(100))
      for await (const batch of log.read({ batchSize: 10 })) {
        expect(batch).to.have.length(10)
        break
      }
      expect(await readAll(log)).to.have.length(100)
    })

    it('refuses a draft that is too large, or that no record holds, and goes on', async () => {
      const huge = { ...draft(1), source: 'x'.repeat(5 << 20) }
      expect(await codeOf(log.append([draft(1), huge]))).to.equal('WEIR_EVENT_TOO_LARGE')
      const cyclic = { ...draft(1), self: {} }
      cyclic.self = cyclic
      expect(await codeOf(log.append([cyclic]))).to.equal('WEIR_EVENT_UNENCODABLE')
      expect(await log.append([draft(2)])).to.deep.equal({ first: 1, last: 1 })
      expect(await readAll(log)).to.deep.equal([{ ...draft(2), seq: 1 }])
    })

    it('makes appends wait while too much is pending, and takes all of them in order', async () => {
      await log.close()
      await place.remove()
      place = await factory()
      log = await open({ maxPendingBytes: 2_000 })
      let most = 0
      const appends = Array.from({ length: 200 }, (_, i) => {
        const append = log.append(draftsOf(3, i * 3 + 1))
        most = Math.max(most, log.pendingBytes)
        return append
      })
      const got = await Promise.all(appends)
      expect(most).to.be.within(1, 2_300)
      expect(got.map(({ first }) => first)).to.deep.equal(got.map((_, i) => i * 3 + 1))
      expect((await readAll(log)).map(event => (event as { until?: number }).until)).to.deep.equal(
        draftsOf(600).map((_, i) => i + 1),
      )
      expect(log.pendingBytes).to.equal(0)
    })

    it('has a head that depends on the events and on nothing else', async () => {
      await log.append(draftsOf(3))
      await log.append(draftsOf(2, 4))
      const other = await factory()
      const same = await EventLog.open({ storage: other.storage() })
      await same.append(draftsOf(3))
      await same.append(draftsOf(2, 4))
      expect(same.head).to.deep.equal(log.head)
      await same.append([draft(7)])
      await log.append([draft(6)])
      expect(same.head.hash).to.not.equal(log.head.hash)
      await same.close()
      await other.remove()
    })

    it('follows what was there and what comes, and ends on close', async () => {
      await log.append(draftsOf(5))
      const seen: number[] = []
      const following = (async () => {
        for await (const batch of log.follow(3)) seen.push(...batch.map(({ seq }) => seq))
      })()
      await log.append(draftsOf(2, 6))
      while (seen.length < 5) await new Promise(setImmediate)
      await log.append([draft(8)])
      while (seen.length < 6) await new Promise(setImmediate)
      await log.close()
      await following
      expect(seen).to.deep.equal([3, 4, 5, 6, 7, 8])
    })

    it('stops following on abort, with nothing to read too', async () => {
      const abort = new AbortController()
      const ended = log.follow(1, { signal: abort.signal }).next()
      abort.abort()
      expect(await ended).to.deep.equal({ done: true, value: undefined })
    })

    it('tails at the pace of the subscriber: one batch under way', async () => {
      await log.append(draftsOf(50))
      let release: () => void = () => undefined
      const batches: (readonly WeirEvent[])[] = []
      const subscription = log
        .tail(1, {
          batchSize: 10,
          ready: () =>
            new Promise<void>(resolve => {
              release = resolve
            }),
        })
        .subscribe(batch => batches.push(batch))
      for (let round = 1; round <= 5; round++) {
        while (batches.length < round) await new Promise(setImmediate)
        for (let i = 0; i < 20; i++) await new Promise(setImmediate)
        expect(batches).to.have.length(round)
        release()
      }
      expect(batches.flat().map(({ seq }) => seq)).to.deep.equal(draftsOf(50).map((_, i) => i + 1))
      subscription.unsubscribe()
      await log.append([draft(51)])
      for (let i = 0; i < 20; i++) await new Promise(setImmediate)
      expect(batches).to.have.length(5)
    })

    it('completes tails on close and hands errors of the subscriber to nobody else', async () => {
      const completed = new Promise<void>((resolve, reject) =>
        log.tail(1).subscribe({ complete: resolve, error: reject }),
      )
      await log.append([draft(1)])
      await log.close()
      await completed
    })

    it('exports and imports with equal numbers and hashes', async () => {
      await log.append(draftsOf(3))
      await log.append(draftsOf(4, 4))
      // JSON has no word for these; the log has.
      await log.append([{ ...draft(8), odd: Number.NaN, gone: undefined } as never])
      let text = ''
      for await (const part of log.export()) text += part
      const other = await factory()
      const copy = await EventLog.open({ storage: other.storage() })
      expect(await copy.import(text.match(/.{1,97}/gs) as string[])).to.deep.equal(log.head)
      expect(copy.head).to.deep.equal(log.head)
      expect(await readAll(copy)).to.deep.equal(await readAll(log))
      expect((await copy.verify()).findings).to.deep.equal([])
      expect(await codeOf(copy.import([text]))).to.equal('WEIR_LOG_NOT_EMPTY')
      expect(await copy.append([draft(9)])).to.deep.equal({ first: 9, last: 9 })
      await copy.close()
      await other.remove()
    })

    it('imports all or nothing, and names the line', async () => {
      const other = await factory()
      const from = await EventLog.open({ storage: other.storage() })
      for (let i = 0; i < 10; i++) await from.append([draft(i)])
      let text = ''
      for await (const part of from.export()) text += part
      await from.close()
      await other.remove()
      const lines = text.trimEnd().split('\n')
      const broken: [string[], number][] = [
        [[], 1],
        [['{"weir":"something else"}'], 1],
        [['not json'], 1],
        [lines.slice(0, -1), 11],
        [lines.with(5, (lines[5] as string).replace('"until":4', '"until":5')), 6],
        [[...lines.slice(0, 4), ...lines.slice(5)], 5],
        [lines.with(3, '{"seq":3}'), 4],
      ]
      for (const [bad, line] of broken) {
        const error = await log.import([bad.join('\n')]).catch(error => error as WeirError<'WEIR_IMPORT_INVALID'>)
        expect(error).to.have.property('code', 'WEIR_IMPORT_INVALID')
        expect(error).to.have.nested.property('payload.line', line)
        expect(log.head).to.deep.equal(emptyHead)
        expect(await readAll(log)).to.deep.equal([])
      }
      expect((await log.import([text])).seq).to.equal(10)
    })

    it('keeps snapshots: the newest at or before an event, a few per name', async () => {
      await log.close()
      log = await open({ keepSnapshots: { count: 3 } })
      await log.append(draftsOf(50))
      const state = (seq: number) => ({ seq, map: new Map([['a', new Set([1n])]]), bytes: new Uint8Array([seq]) })
      for (const seq of [10, 20, 30, 40]) await log.snapshots.write('engine', seq, state(seq))
      await log.snapshots.write('engine-other', 5, 'x')
      expect(await log.snapshots.list('engine')).to.deep.equal([20, 30, 40])
      expect((await log.snapshots.latest('engine'))?.state).to.deep.equal(state(40))
      expect((await log.snapshots.latest('engine', { atOrBefore: 39 }))?.seq).to.equal(30)
      expect(await log.snapshots.latest('engine', { atOrBefore: 19 })).to.equal(undefined)
      expect(await log.snapshots.latest('engin')).to.equal(undefined)
      expect((await log.snapshots.latest('engine-other'))?.state).to.equal('x')
      const changing = { rows: ['before'] }
      const writing = log.snapshots.write('changing', 50, changing)
      changing.rows.push('after')
      await writing
      expect((await log.snapshots.latest('changing'))?.state).to.deep.equal({ rows: ['before'] })
      expect(await log.snapshots.write('engine', 51, {}).catch(error => error)).to.be.instanceOf(RangeError)
      await log.snapshots.write('engine', 40, 'again')
      expect((await log.snapshots.latest('engine'))?.state).to.equal('again')
      expect((await log.verify()).findings).to.deep.equal([])
    })

    it('says that it is closed', async () => {
      const pending = log.append([draft(1)])
      await log.close()
      expect(await pending).to.deep.equal({ first: 1, last: 1 })
      expect(await codeOf(log.append([draft(2)]))).to.equal('WEIR_LOG_CLOSED')
      expect(await codeOf(readAll(log))).to.equal('WEIR_LOG_CLOSED')
      await log.close()
    })

    if (supports.reopen) {
      it('is the same after it was opened again', async () => {
        await log.append(draftsOf(10))
        await log.snapshots.write('engine', 10, 'state')
        const { head } = log
        const events = await readAll(log)
        await log.close()
        log = await open()
        expect(log.head).to.deep.equal(head)
        expect(await readAll(log)).to.deep.equal(events)
        expect((await log.snapshots.latest('engine'))?.state).to.equal('state')
        expect(await log.append([draft(11)])).to.deep.equal({ first: 11, last: 11 })
        expect((await log.verify()).findings).to.deep.equal([])
      })
    }

    if (supports.lock) {
      it('has one writer', async () => {
        expect(await codeOf(open())).to.equal('WEIR_LOG_LOCKED')
        await log.append([draft(1)])
      })
    }
  })
}
