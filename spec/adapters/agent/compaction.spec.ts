import { spawn } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { compactLog } from '@weir/adapters/agent/retention.js'
import { verifyLog } from '@weir/adapters/agent/verify-log.js'
import { EventLog, folderStorage, readCheckpoints } from '@weir/store'
import { expect } from 'chai'
import { runWeir } from '../cli/run.js'
import { allow, pod, smallShop } from './cluster.js'

const holder = { pid: process.pid, command: 'spec', since: 0 }

describe('compacting a log', function () {
  this.timeout(120_000)
  let folder = ''
  let state = ''
  let head = 0
  const at = (name: string): string => join(folder, name)
  const tables = async (log: string): Promise<string> =>
    (await runWeir(['get', 'tables', '--log', log, '-o', 'json'])).out.join('\n')

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-compaction-'))
    state = at('state')
    const agent = await createAgent({
      ...{
        stateFolder: state,
        node: 'n1',
        backend: 'memory',
        clock: systemClock,
        snapshotEvery: 30,
        checkpointEvery: 15,
      },
    })
    await agent.submit('spec', smallShop.slice(1))
    for (let round = 0; round < 80; round++)
      await agent.submit(`round:${round}`, [
        round % 2 === 0
          ? { kind: 'networkpolicy.upserted', policy: allow(`p${round % 9}`, 'cart', 'web', 8000 + round) }
          : { kind: 'pod.upserted', pod: pod(`more-${round}`, `10.0.1.${round}`) },
      ])
    head = agent.engine.seq
    await agent.stop()
  })

  after(() => rm(folder, { recursive: true, force: true }))

  async function copy(name: string): Promise<string> {
    await rm(at(name), { recursive: true, force: true })
    await cp(state, at(name), { recursive: true })
    return at(name)
  }

  it('keeps what is asked for, begins at a checkpoint, and changes nothing of the state', async () => {
    const path = await copy('kept')
    const whole = await tables(path)
    const { out, code } = await runWeir(['log', 'compact', '--log', path, '--keep', '40', '-o', 'json'])
    expect(code).to.equal(0)
    const { base, kept } = JSON.parse(out[0]!) as { base: { seq: number }; kept: number }
    const signed = (await readCheckpoints(join(path, 'log'))).checkpoints.map(({ seq }) => seq)
    expect(signed).to.include(base.seq)
    expect(kept).to.be.within(40, 40 + 15)
    expect(await tables(path)).to.equal(whole)
    const verdict = await verifyLog(join(path, 'log'))
    expect(verdict).to.include({ condition: 'sound', events: kept, replayed: head })
    expect(verdict.base?.seq).to.equal(base.seq)
    expect(verdict.snapshots.map(({ outcome }) => outcome)).to.include('same')
    expect((await runWeir(['log', 'compact', '--log', path, '--keep', '40'])).out[0]).to.match(/^nothing to let go/)
    expect((await runWeir(['replay', '--log', path])).code).to.equal(0)
    const again = await createAgent({ stateFolder: path, node: 'n1', backend: 'memory', clock: systemClock })
    await again.submit('spec', [{ kind: 'pod.upserted', pod: pod('late', '10.0.2.1') }])
    await again.stop()
    expect(await verifyLog(join(path, 'log'))).to.include({ condition: 'sound' })
  })

  it('says what can’t be answered any more, with when it was let go', async () => {
    const path = await copy('asked')
    await runWeir(['log', 'compact', '--log', path, '--keep', '40'])
    const log = await EventLog.openReadOnly({ path: join(path, 'log') })
    const { seq } = log.base
    await log.close()
    for (const words of [
      ['why', 'shop/web', 'shop/cart:8080', '--log', `${path}@${seq - 1}`],
      ['log', 'show', '3', '--log', path],
      ['log', 'list', '--from', '1', '--log', path],
      ['log', 'list', '--to', '3', '--log', path],
      ['history', 'shop/web', 'shop/cart:8080', '--from', '1', '--log', path],
      ['history', 'shop/web', 'shop/cart:8080', '--to', '3', '--log', path],
      ['get', 'pods', '--log', `${path}@5`],
      ['log', 'prove', 'shop/web', 'shop/cart:8080', '--at', '5', '--log', path],
    ]) {
      const { code, err } = await runWeir(words)
      expect(code, words.join(' ')).to.equal(4)
      expect(err, words.join(' ')).to.match(new RegExp(`events before ${seq + 1} were compacted on \\d{4}-`))
    }
    expect((await runWeir(['why', 'shop/web', 'shop/cart:8080', '--log', `${path}@${seq}`])).code).to.equal(0)
    const now = await runWeir(['why', 'shop/web', 'shop/cart:8080', '--log', path, '-o', 'json'])
    const sources = (JSON.parse(now.out[0]!) as { sources: [number, string][] }[])[0]!.sources
    const whole = await runWeir(['why', 'shop/web', 'shop/cart:8080', '--log', state, '-o', 'json'])
    expect(sources).to.deep.equal((JSON.parse(whole.out[0]!) as { sources: [number, string][] }[])[0]!.sources)
    expect(sources.some(([seqOf]) => seqOf <= seq)).to.equal(true)
  })

  it('says where it begins to whoever asks for all of it, and counts what is there', async () => {
    const path = await copy('counted')
    await runWeir(['log', 'compact', '--log', path, '--keep', '40'])
    const log = await EventLog.openReadOnly({ path: join(path, 'log') })
    const [{ seq }, kept] = [log.base, log.head.seq - log.base.seq]
    await log.close()
    const history = await runWeir(['history', 'shop/web', 'shop/cart:8080', '--log', path])
    expect(history.err).to.match(new RegExp(`events before ${seq + 1} were compacted on \\d{4}-`))
    const stat = await runWeir(['log', 'stat', '--log', path])
    expect(stat.out[0]).to.match(new RegExp(`: ${kept} events from `))
    expect(stat.out.join('\n')).to.match(new RegExp(`events before ${seq + 1} were compacted on \\d{4}-`))
    const json = await runWeir(['log', 'stat', '--log', path, '-o', 'json'])
    expect(JSON.parse(json.out[0]!)).to.deep.include({ events: kept })
    expect(JSON.parse(json.out[0]!)).to.have.nested.property('base.seq', seq)
    expect((await runWeir(['replay', '--log', path])).out[0]).to.match(new RegExp(`^${kept} events in`))
    const file = at('counted.ndjson')
    await runWeir(['log', 'export', file, '--log', path])
    expect((await runWeir(['log', 'import', file, '--log', at('counted-copy')])).out[0]).to.match(
      new RegExp(`^${kept} events in`),
    )
  })

  it('exports what another machine replays to the same digest', async () => {
    const path = await copy('exported')
    await runWeir(['log', 'compact', '--log', path, '--keep', '40'])
    const file = at('export.ndjson')
    expect((await runWeir(['log', 'export', file, '--log', path])).code).to.equal(0)
    expect((await runWeir(['log', 'import', file, '--log', at('imported')])).code).to.equal(0)
    expect(await tables(at('imported'))).to.equal(await tables(state))
    const compared = await runWeir(['compare', file, state, '--fail-on', 'any'])
    expect(compared.code).to.equal(0)
  })

  it('lets go by age and by size, as a running agent does', async () => {
    const log = await EventLog.open({ storage: folderStorage({ path: join(await copy('sized'), 'log'), holder }) })
    let [all, last] = [0, 0]
    for await (const { sizeBytes, time } of log.groups()) [all, last] = [all + sizeBytes, time]
    const { checkpoints } = await readCheckpoints(log.location)
    const done = await compactLog(log, { sizeBytes: Math.floor(all / 2) }, 1, checkpoints)
    let left = 0
    for await (const { sizeBytes } of log.groups()) left += sizeBytes
    expect(left).to.be.lessThan(all * 0.75)
    expect(done!.events).to.be.greaterThan(20)
    expect(await compactLog(log, { ageMs: 1e12 }, last, checkpoints)).to.equal(undefined)
    await compactLog(log, { ageMs: 1000 }, last + 60_000, checkpoints)
    expect(log.head.seq - log.base.seq).to.be.lessThan(16)
    await log.close()
    const timers: (() => void | Promise<void>)[] = []
    const clock = {
      ...systemClock,
      nowMs: () => systemClock.nowMs() + 3_600_000,
      every: (periodMs: number, work: () => void | Promise<void>) => {
        if (periodMs === 333) timers.push(work)
        return { stop: () => {} }
      },
    }
    const notes: string[] = []
    const agent = await createAgent({
      ...{ stateFolder: await copy('aged'), node: 'n1', backend: 'memory', clock, report: note => notes.push(note) },
      ...{ logRetention: { ageMs: 60_000 }, logRetentionPeriodMs: 333 },
    })
    const digest = agent.engine.digest()
    await agent.submit('spec', [{ kind: 'pod.upserted', pod: pod('live', '10.0.3.1') }])
    for (const work of timers) await work()
    expect(agent.log.base.seq).to.be.greaterThan(60)
    expect(notes.join()).to.match(/events before \d+ were compacted/)
    expect(agent.engine.digest()).to.not.deep.equal(digest)
    await agent.stop()
    expect(await verifyLog(at('aged/log'))).to.include({ condition: 'sound' })
  })

  it('is whole after kill -9 at any moment', async () => {
    const script = at('compact.mjs')
    await writeFile(
      script,
      `import { main } from ${JSON.stringify(fileURLToPath(import.meta.resolve('@weir/adapters/cli/main.js')))}
       process.stdout.write('go\\n')
       await main(process.argv.slice(2))`,
    )
    const whole = await tables(state)
    let [before, after] = [0, 0]
    for (let round = 0; round < 6; round++) {
      const path = await copy('killed')
      const child = spawn(process.execPath, [script, 'log', 'compact', '--log', path, '--keep', '10'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = new Promise<void>(resolve => child.on('close', () => resolve()))
      await new Promise<void>(resolve => child.stdout.once('data', () => resolve()))
      await Promise.race([ended, new Promise(resolve => setTimeout(resolve, round * 40))])
      child.kill('SIGKILL')
      await ended
      const log = await EventLog.open({ storage: folderStorage({ path: join(path, 'log'), holder }) })
      if (log.base.seq > 0) after++
      else before++
      await log.close()
      expect(await verifyLog(join(path, 'log')), `round ${round}`).to.include({ condition: 'sound', replayed: head })
    }
    expect(await tables(at('killed'))).to.equal(whole)
    expect(before + after).to.equal(6)
  })
})
