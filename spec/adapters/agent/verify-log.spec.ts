import { cp, mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineRecord } from '@weir/adapters/agent/restore.js'
import { type LogVerdict, verifyLog } from '@weir/adapters/agent/verify-log.js'
import { digestAs } from '@weir/core/digest/versions.js'
import { EventLog, folderStorage } from '@weir/store'
import { decodeGroup, type Group } from '@weir/store/log/group.js'
import { groupKey, headKey, formatKey } from '@weir/store/log/keys.js'
import { expect } from 'chai'
import { runWeir } from '../cli/run.js'
import { BrokenLogs, changeFile, filesOf, flipped, inDatabase } from './broken-log.js'

describe('verifying a log', function () {
  this.timeout(60_000)
  let logs: BrokenLogs
  let head = 0
  /** The group that holds the middle event. */
  let middle: Group

  before(async () => {
    logs = await BrokenLogs.create()
    const log = await EventLog.openReadOnly({ path: join(logs.state, 'log') })
    head = log.head.seq
    await log.close()
    await inDatabase(await logs.copy(), async database => {
      const [value] = await database.values({ gte: groupKey(head >> 1), limit: 1 }).all()
      middle = decodeGroup(value!)!
    })
  })

  after(() => logs?.remove())

  /** What comes of a change from within the database, or to its files. */
  async function outcomeOf(change: (log: string) => Promise<unknown>): Promise<LogVerdict> {
    const log = await logs.copy()
    await change(log)
    return verifyLog(log)
  }

  const flipGroup = (offset: number) => (log: string) =>
    inDatabase(log, database => database.put(groupKey(middle.last), flipped(middle.value, offset)))

  it('finds a sound log sound, with every snapshot as a replay has it', async () => {
    const steps = new Set<string>()
    const verdict = await verifyLog(join(logs.state, 'log'), { onProgress: ({ step }) => steps.add(step) })
    expect(verdict).to.deep.include({ condition: 'sound', findings: [], files: [], rebuilt: false, events: head })
    expect(verdict).to.include({ replayed: head })
    expect(verdict.snapshots.map(({ outcome }) => outcome)).to.deep.equal(['same', 'same', 'same'])
    expect([...steps]).to.deep.equal(['checking', 'replaying'])
  })

  const groupBytes: Readonly<Record<string, () => number>> = {
    'its hash': () => 5,
    'the hash of the group before': () => 40,
    'the layout': () => 64,
    'the first number': () => 70,
    'the count': () => 74,
    'the length of a record': () => 78,
    'the mark of a record': () => 82,
    'a record': () => middle.offsets[0]! + 9,
    'the schema version of a record': () => middle.offsets[0]!,
  }
  for (const [what, offset] of Object.entries(groupBytes))
    it(`calls a log tampered whose group has ${what} altered, from that event on`, async () => {
      const verdict = await outcomeOf(flipGroup(offset()))
      expect(verdict).to.include({ condition: 'tampered', firstBad: middle.first })
      expect(verdict.events).to.be.within(head - (middle.last - middle.first + 1), head)
    })

  it('calls a log tampered whose mark, head or group’s key is altered', async () => {
    const marked = await outcomeOf(log => inDatabase(log, db => db.put(formatKey, Buffer.from('weir lag 1'))))
    expect(marked).to.include({ condition: 'tampered', events: head })
    expect(marked.findings.map(({ kind }) => kind)).to.deep.equal(['mark'])
    const headless = await outcomeOf(log => inDatabase(log, db => db.del(headKey)))
    expect(headless).to.include({ condition: 'tampered', events: head })
    const moved = await outcomeOf(log =>
      inDatabase(log, db =>
        db.batch([
          { type: 'del', key: groupKey(middle.last) },
          { type: 'put', key: groupKey(middle.last - 1), value: middle.value },
        ]),
      ),
    )
    expect(moved.condition).to.equal('tampered')
    expect(moved.firstBad).to.be.at.most(middle.first)
  })

  it('calls a log tampered whose snapshot is altered, and still reads every event', async () => {
    for (const mark of ['sc', 'sp']) {
      const verdict = await outcomeOf(log =>
        inDatabase(log, async db => {
          const range = { gte: Buffer.from(mark), lt: Buffer.from(`${mark}\u007f`), limit: 1 }
          const [[key, value]] = (await db.iterator(range).all()) as [[Buffer, Buffer]]
          await db.put(key, flipped(value, value.length >> 1))
        }),
      )
      expect(verdict).to.include({ condition: 'tampered', events: head, replayed: head })
      expect(verdict.findings.map(({ kind }) => kind)).to.deep.equal(['snapshot'])
    }
  })

  it('tells a snapshot that doesn’t follow from the events, whatever its bytes say', async () => {
    const path = await logs.copy()
    const log = await EventLog.open({
      storage: folderStorage({ path, holder: { pid: process.pid, command: 'spec', since: 0 } }),
    })
    const latest = await log.snapshots.latest('engine')
    const record = structuredClone(latest!.state) as { engine: { state: { pods: [string, unknown][] } } }
    record.engine.state.pods.pop()
    await log.snapshots.write('engine', latest!.seq, record)
    await log.close()
    const verdict = await verifyLog(path)
    expect(verdict).to.deep.include({ condition: 'diverged', firstBad: latest!.seq })
    expect(verdict.snapshots.map(({ outcome }) => outcome)).to.deep.equal(['same', 'same', 'differs'])
  })

  it('compares the content of a snapshot whose build took digests otherwise', async () => {
    const path = await logs.copy()
    const log = await EventLog.open({
      storage: folderStorage({ path, holder: { pid: process.pid, command: 'spec', since: 0 } }),
    })
    const latest = await log.snapshots.latest('engine')
    const record = structuredClone(latest!.state) as { digest: object }
    const later = { ...record, digest: { hex: '0', version: 999, parts: { cells: '0' } } }
    await log.snapshots.write('engine', latest!.seq, later)
    await log.close()
    const verdict = await verifyLog(path)
    expect(verdict).to.deep.include({ condition: 'sound', findings: [] })
    expect(verdict.snapshots.map(({ outcome }) => outcome)).to.deep.equal(['same', 'same', 'other-tables'])
  })

  it('compares what a snapshot of an earlier build speaks of', async () => {
    for (const [cells, outcome] of [
      [undefined, 'same'],
      ['0', 'differs'],
    ] as const) {
      const path = await logs.copy()
      const log = await EventLog.open({
        storage: folderStorage({ path, holder: { pid: process.pid, command: 'spec', since: 0 } }),
      })
      const latest = await log.snapshots.latest('engine')
      const record = latest!.state as EngineRecord
      const digest = digestAs(record.digest, 4)!
      const earlier = { ...record, digest: { ...digest, parts: { ...digest.parts, ...(cells && { cells }) } } }
      await log.snapshots.write('engine', latest!.seq, earlier)
      await log.close()
      const verdict = await verifyLog(path)
      expect(verdict.condition).to.equal(outcome === 'same' ? 'sound' : 'diverged')
      expect(verdict.snapshots.map(each => each.outcome)).to.deep.equal(['same', 'same', outcome])
    }
  })

  it('calls a log half-copied that lacks a file, whichever it is, and reads what is left', async () => {
    for (const name of await filesOf(join(logs.state, 'log'), /^(?:CURRENT|MANIFEST-\d+|\d+\.(?:ldb|log))$/)) {
      const verdict = await outcomeOf(log => rm(join(log, 'db', name)))
      expect(verdict, name).to.include({ condition: 'half-copied' })
      expect(
        verdict.files.map(({ kind }) => kind),
        name,
      ).to.include('missing-file')
      if (/^[CM]/.test(name)) expect(verdict, name).to.include({ events: head, rebuilt: true })
      expect(verdict.firstBad, name).to.be.within(1, head + 1)
    }
  })

  it('calls a log truncated whose table, journal or list was cut', async () => {
    for (const name of await filesOf(join(logs.state, 'log'), /^(?:MANIFEST-\d+|\d+\.(?:ldb|log))$/)) {
      const { size } = await stat(join(logs.state, 'log/db', name))
      // The end of a journal may be a record's end: that is how a log looked that had not gone on.
      for (const left of [size - 1, Math.floor(size * 0.6), 10]) {
        const verdict = await outcomeOf(log => truncate(join(log, 'db', name), left))
        expect(verdict.condition, `${name} cut to ${left} of ${size}`).to.equal('truncated')
        expect(verdict.firstBad, name).to.be.within(1, head + 1)
      }
    }
  })

  it('finds every altered byte of CURRENT, of the list of tables and of the journal', async () => {
    for (const name of await filesOf(join(logs.state, 'log'), /^(?:CURRENT|MANIFEST-\d+|\d+\.log)$/)) {
      const { size } = await stat(join(logs.state, 'log/db', name))
      for (let at = 0; at < size; at += Math.max(1, Math.floor(size / 16))) {
        const verdict = await outcomeOf(log => changeFile(join(log, 'db', name), bytes => flipped(bytes, at)))
        expect(verdict.condition, `${name} at ${at}`).to.be.oneOf(['tampered', 'half-copied', 'truncated'])
      }
    }
  })

  it('finds every altered byte of a table, and ends no process over one', async () => {
    for (const name of await filesOf(join(logs.state, 'log'), /\.ldb$/)) {
      const { size } = await stat(join(logs.state, 'log/db', name))
      const ends = Array.from({ length: 24 }, (_, at) => size - 1 - at * 7)
      const within = Array.from({ length: 24 }, (_, at) => Math.floor((size / 24) * at) + 7)
      for (const at of [...within, ...ends]) {
        const verdict = await outcomeOf(log => changeFile(join(log, 'db', name), bytes => flipped(bytes, at)))
        expect(verdict.condition, `${name} at ${at}`).to.equal('tampered')
        expect(
          verdict.files.map(({ file }) => file),
          `${name} at ${at}`,
        ).to.deep.equal([name])
        expect(verdict.events, `${name} at ${at}`).to.be.greaterThan(head / 2)
      }
    }
  })

  it('refuses to open a log with an altered index for anything else', async () => {
    const [name] = await filesOf(join(logs.state, 'log'), /\.ldb$/)
    const path = await logs.copy()
    await changeFile(join(path, 'db', name!), bytes => flipped(bytes, bytes.length - 60))
    const answer = await runWeir(['get', 'pods', '--log', path])
    expect(answer.err).to.include('WEIR_LOG_UNREADABLE').and.include(name!)
    const holder = { pid: process.pid, command: 'spec', since: 0 }
    const refused = await EventLog.open({ storage: folderStorage({ path, holder }) }).catch(error => error)
    expect(refused).to.include({ code: 'WEIR_LOG_UNREADABLE' })
  })

  it('opens a log in which a crash left half of a table', async () => {
    const path = await logs.copy()
    const [name] = await filesOf(path, /\.ldb$/)
    const whole = await readFile(join(path, 'db', name!))
    await writeFile(join(path, 'db/000099.ldb'), whole.subarray(0, whole.length >> 1))
    expect(await verifyLog(path)).to.deep.include({ condition: 'sound', files: [] })
    const holder = { pid: process.pid, command: 'spec', since: 0 }
    const log = await EventLog.open({ storage: folderStorage({ path, holder }) })
    expect(log.head.seq).to.equal(head)
    await log.close()
  })

  it('calls logs mixed where whole parts don’t follow from one another', async () => {
    const other = await logs.other()
    const stranger = await outcomeOf(log =>
      inDatabase(log, async mine => {
        const copy = `${log}-other`
        await rm(copy, { recursive: true, force: true })
        await cp(join(other, 'log'), copy, { recursive: true })
        await inDatabase(copy, async theirs => {
          const value = await theirs.get(groupKey(middle.last))
          await mine.put(groupKey(middle.last), value!)
        })
      }),
    )
    expect(stranger).to.include({ condition: 'mixed', firstBad: middle.first })
    for (const ending of [/\.ldb$/, /^MANIFEST/, /\.log$/]) {
      const verdict = await outcomeOf(async log => {
        for (const name of await filesOf(log, ending)) await rm(join(log, 'db', name))
        for (const name of await filesOf(join(other, 'log'), ending))
          await cp(join(other, 'log/db', name), join(log, 'db', name))
      })
      expect(verdict.condition, String(ending)).to.be.oneOf([
        'mixed',
        'rewritten',
        'tampered',
        'half-copied',
        'truncated',
      ])
      expect(verdict.firstBad).to.be.within(1, head + 1)
    }
  })

  it('tells an empty log from no log, a foreign database and another layout', async () => {
    const nothing = join(logs.state, 'nothing')
    expect(await verifyLog(nothing)).to.include({ condition: 'no-log', events: 0 })
    await mkdir(nothing)
    expect(await verifyLog(nothing)).to.include({ condition: 'no-log' })
    await inDatabase(nothing, db => db.put(Buffer.from('a'), Buffer.from('b')))
    expect(await verifyLog(nothing)).to.include({ condition: 'foreign' })
    const later = await outcomeOf(log => inDatabase(log, db => db.put(formatKey, Buffer.from('weir log 7'))))
    expect(later).to.include({ condition: 'wrong-version' })
    expect(later.findings[0]!.message).to.include("its layout is 'weir log 7'")
    const path = join(logs.state, 'empty')
    const empty = await EventLog.open({ storage: folderStorage({ path, holder: { pid: 1, command: '', since: 0 } }) })
    await empty.close()
    expect(await verifyLog(path)).to.deep.include({ condition: 'empty', findings: [], events: 0 })
  })

  it('changes nothing of what it finds wrong', async () => {
    const log = await logs.copy()
    const [name] = await filesOf(log, /^MANIFEST/)
    await truncate(join(log, 'db', name!), 30)
    const before = await picture(log)
    expect((await verifyLog(log)).rebuilt).to.equal(true)
    expect(await picture(log)).to.deep.equal(before)
  })

  it('says all of it on the command line, and reads what is left', async () => {
    const sound = await runWeir(['log', 'verify', '--log', logs.state])
    expect(sound.code).to.equal(0)
    expect(sound.out.join('\n')).to.match(/snapshot at event \d+, written by .*: same as a replay/)
    expect(sound.out.at(-2)).to.match(/^\d+ events, 3 snapshots, \d+ replayed: sound$/)
    const log = await logs.copy()
    await flipGroup(middle.offsets[0]! + 9)(log)
    const broken = await runWeir(['log', 'verify', '--log', log])
    expect(broken.code).to.equal(4)
    expect(broken.out.join('\n')).to.include(`tampered: the first bad event is ${middle.first}`)
    const asJson = await runWeir(['log', 'verify', '--log', log, '-o', 'json'])
    expect(JSON.parse(asJson.out[0]!)).to.include({ condition: 'tampered', sound: false, firstBad: middle.first })
    expect((await runWeir(['log', 'list', '--log', log, '--from', '1'])).code).to.equal(4)
    const listed = await runWeir(['log', 'list', '--log', log, '--from', '1', '--readable', '-o', 'json'])
    expect(listed.code).to.equal(0)
    expect(listed.err).to.include(`left out: event ${middle.first} isn't what was written`)
    expect(listed.out).to.have.length(head - 1)
    const file = join(logs.state, 'readable.ndjson')
    expect((await runWeir(['log', 'export', '--log', log, '--readable', file])).code).to.equal(4)
    const imported = await runWeir(['log', 'import', file, '--log', join(logs.state, 'imported'), '-o', 'json'])
    expect((JSON.parse(imported.out[0]!) as { head: { seq: number } }).head.seq).to.equal(middle.first - 1)
  })

  it('exports what is left of a log that LevelDB can’t open', async () => {
    const log = await logs.copy()
    await rm(join(log, 'db/CURRENT'))
    expect((await runWeir(['log', 'export', '--log', log])).code).to.equal(4)
    const { code, out } = await runWeir(['log', 'export', '--log', log, '--readable'])
    expect({ code, lines: out.length }).to.deep.equal({ code: 0, lines: head + 1 })
  })
})

async function picture(log: string): Promise<readonly string[]> {
  const files = await filesOf(log, /./)
  return Promise.all(files.map(async name => `${name} ${(await readFile(join(log, 'db', name))).toString('base64')}`))
}
