import { generateKeyPairSync } from 'node:crypto'
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAgent } from '@weir/adapters/agent/agent.js'
import type { AgentOptions } from '@weir/adapters/agent/agent-options.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { restoreEngine } from '@weir/adapters/agent/restore.js'
import { verifyLog } from '@weir/adapters/agent/verify-log.js'
import type { Digest, Engine, WeirError } from '@weir/core'
import { digestAs } from '@weir/core/digest/versions.js'
import {
  type Checkpoint,
  folderStorage,
  EventLog,
  linkTo,
  publicPem,
  readCheckpoints,
  signCheckpoint,
} from '@weir/store'
import { signingKey } from '@weir/store/checkpoints/key.js'
import { expect } from 'chai'
import { runWeir } from '../cli/run.js'
import { allow, smallShop } from './cluster.js'

const holder = { pid: process.pid, command: 'spec', since: 0 }

describe('checkpoints', function () {
  this.timeout(30_000)
  let folder = ''
  let state = ''
  let log = ''
  const file = (): string => join(log, 'checkpoints.ndjson')
  const checkpointsOf = async (path = log): Promise<readonly Checkpoint[]> => (await readCheckpoints(path)).checkpoints

  /** An agent that is told some policies, one event each, and stopped. */
  async function run(count: number, options: Partial<AgentOptions> = {}): Promise<number> {
    const base = { stateFolder: state, node: 'n1', backend: 'memory', clock: systemClock } as const
    const agent = await createAgent({ ...base, ...options })
    if (agent.engine.seq < 5) await agent.submit('spec', smallShop.slice(1))
    for (let at = 0; at < count; at++)
      await agent.submit('spec', [
        { kind: 'networkpolicy.upserted', policy: allow('db', 'db', `w${Math.random()}`, 80) },
      ])
    const { seq } = agent.engine
    await agent.stop()
    return seq
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-checkpoints-'))
    state = join(folder, 'state')
    log = join(state, 'log')
  })

  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('are signed each so many events and at the end, with a key that only its owner reads', async () => {
    const end = await run(25, { checkpointEvery: 10 })
    const signed = await checkpointsOf()
    expect(signed.at(-1)?.seq).to.equal(end)
    expect(signed.length).to.be.within(3, 4)
    expect((await stat(join(state, 'checkpoint-key.pem'))).mode & 0o777).to.equal(0o600)
    const verdict = await verifyLog(log)
    expect(verdict).to.include({ condition: 'sound', checkpoints: signed.length })
    expect(verdict.signed).to.include({ seq: end })
    await run(1)
    const after = await checkpointsOf()
    expect(after.slice(0, signed.length)).to.deep.equal(signed)
    expect(new Set(after.map(({ key }) => key)).size).to.equal(1)
  })

  it('are signed when an event has waited long enough', async () => {
    const timers: (() => void | Promise<void>)[] = []
    const clock = {
      ...systemClock,
      every: (periodMs: number, work: () => void | Promise<void>) => {
        if (periodMs === 777) timers.push(work)
        return { stop: () => {} }
      },
    }
    const agent = await createAgent({
      ...{ stateFolder: state, node: 'n1', backend: 'memory', clock, checkpointPeriodMs: 777 },
    })
    await agent.submit('spec', smallShop.slice(1))
    expect(await checkpointsOf()).to.deep.equal([])
    for (const work of timers) await work()
    expect((await checkpointsOf()).map(({ seq }) => seq)).to.deep.equal([agent.engine.seq])
    for (const work of timers) await work()
    expect(await checkpointsOf()).to.have.length(1)
    await agent.stop()
  })

  it('prove the log to whoever has the public key from elsewhere', async () => {
    await run(3)
    const pem = join(folder, 'pub.pem')
    const { out } = await runWeir(['log', 'key', '--state', state])
    await writeFile(pem, out.join('\n'))
    const proven = await runWeir(['log', 'verify', '--log', state, '--key', pem])
    expect(proven.code, proven.out.join('\n')).to.equal(0)
    expect(proven.out.join('\n')).to.match(/1 checkpoint, the last at event \d+ of .*, by ed25519:/)
    const { key: name } = JSON.parse((await runWeir(['log', 'key', '--state', state, '-o', 'json'])).out[0]!)
    expect((await runWeir(['log', 'verify', '--log', state, '--key', name])).code).to.equal(0)
    const other = await signingKey(join(folder, 'other.pem'), true)
    const wrong = await runWeir(['log', 'verify', '--log', state, '--key', other.name])
    expect(wrong.code).to.equal(4)
    expect(wrong.out.join('\n')).to.include("isn't a key that was named")
    expect((await runWeir(['log', 'key', '--state', folder])).code).to.equal(5)
  })

  it('find history that was written anew, with every hash and snapshot made to fit', async () => {
    const key = publicPemOf(await run(20, { checkpointEvery: 8 }).then(() => checkpointsOf()))
    const forged = await forge(log, join(folder, 'forged'))
    const alone = await verifyLog(forged)
    expect(alone).to.include({ condition: 'sound', checkpoints: 0 })
    // Without checkpoints there is nothing to tell; whoever asks for a key's is told that.
    expect(await verifyLog(forged, { keys: [key] })).to.include({ condition: 'unsigned' })
    await writeFile(join(forged, 'checkpoints.ndjson'), await readFile(file()))
    const first = (await checkpointsOf())[0]!
    for (const keys of [[], [key]]) {
      const verdict = await verifyLog(forged, { keys })
      expect(verdict).to.include({ condition: 'rewritten', firstBad: first.seq })
    }
    const own = await signingKey(join(folder, 'own.pem'), true)
    const { head } = await headOf(forged)
    const mine = signCheckpoint({ ...first, ...head, previous: '' }, own)
    await writeFile(join(forged, 'checkpoints.ndjson'), `${JSON.stringify(mine)}\n`)
    expect((await verifyLog(forged, { keys: [key] })).findings.map(({ kind }) => kind)).to.deep.equal([
      'unsigned',
      'checkpoint',
    ])
  })

  it('find a log whose end was cut off before the last of them', async () => {
    await run(20, { checkpointEvery: 8 })
    const last = (await checkpointsOf()).at(-1)!
    const from = await EventLog.openReadOnly({ path: log })
    const { last: seq, hash } = (await from.chainAt(last.seq - 5))!
    const cut = join(folder, 'cut')
    const to = await EventLog.open({ storage: folderStorage({ path: cut, holder }) })
    await to.import(from.export({ seq, hash }))
    await to.close()
    await from.close()
    await writeFile(join(cut, 'checkpoints.ndjson'), await readFile(file()))
    expect(await verifyLog(cut)).to.include({ condition: 'truncated', firstBad: seq + 1 })
  })

  it('can’t be altered, left out or put in from elsewhere', async () => {
    await run(30, { checkpointEvery: 8 })
    const lines = (await readFile(file(), 'utf8')).trimEnd().split('\n')
    expect(lines.length).to.be.greaterThan(3)
    const tried = async (changed: readonly string[]): Promise<string> => {
      await writeFile(file(), changed.map(line => `${line}\n`).join(''))
      return (await verifyLog(log)).condition
    }
    expect(await tried(lines)).to.equal('sound')
    const checkpoint = JSON.parse(lines[1]!) as Checkpoint
    const changes: Partial<Record<keyof Checkpoint, unknown>> = {
      seq: checkpoint.seq + 1,
      head: checkpoint.head.replace(/./, digit => (digit === 'a' ? 'b' : 'a')),
      digest: { ...checkpoint.digest, hex: '0'.repeat(64) },
      time: checkpoint.time + 1,
      build: 'x',
      previous: '',
      signature: (JSON.parse(lines[0]!) as Checkpoint).signature,
    }
    for (const [field, value] of Object.entries(changes))
      expect(await tried(lines.with(1, JSON.stringify({ ...checkpoint, [field]: value }))), field).to.equal('rewritten')
    expect(await tried(lines.with(1, 'nothing'))).to.equal('rewritten')
    expect(await tried(lines.toSpliced(1, 1))).to.equal('rewritten')
    expect(await tried([lines[1]!, lines[0]!, ...lines.slice(2)])).to.equal('rewritten')
    expect(await tried(lines.slice(1))).to.equal('rewritten')
    expect(await tried(lines)).to.equal('sound')
  })

  it('tell a digest that this build doesn’t come to, without calling the log altered', async () => {
    await run(3)
    const key = await signingKey(join(state, 'checkpoint-key.pem'), false)
    const [first] = await checkpointsOf()
    const digest = { ...first!.digest, parts: { ...first!.digest.parts, cells: '0'.repeat(64) } }
    const other = signCheckpoint({ ...first!, digest, build: 'other', previous: linkTo(first) }, key)
    await appendFile(file(), `${JSON.stringify(other)}\n`)
    const verdict = await verifyLog(log)
    expect(verdict).to.include({ condition: 'diverged', firstBad: first!.seq })
    expect(verdict.findings[0]!.message).to.include('other signed other cells at event')
    for (const [egress, condition] of [
      [undefined, 'sound'],
      ['0', 'diverged'],
    ] as const) {
      const fourth = digestAs(first!.digest as Digest, 4)!
      const said = { ...fourth, parts: { ...fourth.parts, ...(egress && { egress }) } }
      const earlier = signCheckpoint({ ...first!, digest: said, previous: linkTo(first) }, key)
      await writeFile(file(), `${JSON.stringify(first)}\n${JSON.stringify(earlier)}\n`)
      expect(await verifyLog(log)).to.include({ condition, checkpoints: 2 })
    }
    const otherwise = { hex: '0', version: 999, parts: { cells: '0' } }
    const later = signCheckpoint({ ...first!, digest: otherwise, previous: linkTo(first) }, key)
    await writeFile(file(), `${JSON.stringify(first)}\n${JSON.stringify(later)}\n`)
    expect(await verifyLog(log)).to.include({ condition: 'sound', checkpoints: 2 })
  })

  it('survive a crash in the middle of one: what has no end counts for nothing', async () => {
    await run(2)
    const whole = await readFile(file(), 'utf8')
    await writeFile(file(), whole + whole.slice(0, 100))
    expect(await verifyLog(log)).to.include({ condition: 'sound', checkpoints: 1 })
    await run(1)
    expect(await verifyLog(log)).to.include({ condition: 'sound', checkpoints: 2 })
  })

  it('are signed with a key that was given, if it is one', async () => {
    const given = join(folder, 'given.pem')
    const { name } = await signingKey(given, true)
    await run(1, { checkpointKey: given })
    expect((await checkpointsOf())[0]!.key).to.equal(name)
    expect(await readFile(join(state, 'checkpoint-key.pub'), 'utf8')).to.equal(publicPem(name))
    const rsa = join(folder, 'rsa.pem')
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    await writeFile(rsa, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    for (const bad of [rsa, join(folder, 'none.pem'), file()]) {
      const error = await run(1, { checkpointKey: bad }).catch((error: WeirError) => error)
      expect(error, bad).to.have.property('code', 'WEIR_CHECKPOINT_KEY')
    }
  })
})

describe('a statement about the past', function () {
  this.timeout(30_000)

  it('holds to the log that it was made of, and to no other', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weir-statement-'))
    try {
      const state = join(folder, 'state')
      const agent = await createAgent({ stateFolder: state, node: 'n1', backend: 'memory', clock: systemClock })
      await agent.submit('spec', smallShop.slice(1))
      const allowed = agent.engine.seq
      await agent.submit('spec', [{ kind: 'networkpolicy.upserted', policy: allow('cart', 'cart', 'db', 8080) }])
      await agent.stop()
      const words = ['log', 'prove', '--log', state, 'shop/web', 'shop/cart:8080', '--file']
      const file = join(folder, 'then.json')
      const made = await runWeir([...words, file, '--at', String(allowed)])
      expect(made).to.include({ code: 0 })
      expect(made.err).to.include('vouched for by the checkpoint at event')
      const key = ((await readCheckpoints(join(state, 'log'))).checkpoints[0] as Checkpoint).key
      const verify = (statement: string) =>
        runWeir(['log', 'verify', '--log', state, '--key', key, '--statement', statement])
      const held = await verify(file)
      expect(held.code, held.out.join('\n')).to.equal(0)
      expect(held.out.at(-1)).to.equal(`statement about shop/web → shop/cart:8080 after event ${allowed}: holds`)
      const now = join(folder, 'now.json')
      expect((await runWeir([...words, now, '--at', String(allowed + 1)])).code).to.equal(0)
      const [then, later] = await Promise.all(
        [file, now].map(async path => JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>),
      )
      expect((then!.answers as { explanation: { verdict: number } }[])[0]!.explanation.verdict).to.not.equal(
        (later!.answers as { explanation: { verdict: number } }[])[0]!.explanation.verdict,
      )
      const { engine } = await readingState(state, allowed)
      const earlier = join(folder, 'earlier.json')
      await writeFile(earlier, JSON.stringify({ ...then, digest: digestAs(engine.digest(), 4)!.hex }))
      expect((await verify(earlier)).code, 'a digest as builds before took it').to.equal(0)
      const forgeries = {
        answers: { ...then, answers: later!.answers },
        events: { ...then, events: [] },
        time: { ...then, time: 1 },
        chain: { ...then, chain: later!.chain },
        digest: { ...then, digest: later!.digest },
        checkpoint: { ...then, checkpoint: { ...(then!.checkpoint as object), seq: allowed + 7 } },
        'no checkpoint': { ...then, checkpoint: undefined },
        late: { ...then, at: 9999 },
      }
      for (const [what, forged] of Object.entries(forgeries)) {
        const path = join(folder, 'forged.json')
        await writeFile(path, JSON.stringify(forged))
        const { code, out } = await verify(path)
        expect({ what, code }).to.deep.equal({ what, code: 1 })
        expect(out.at(-1)).to.include("doesn't hold")
      }
      await writeFile(join(folder, 'no.json'), '{}')
      expect((await verify(join(folder, 'no.json'))).code).to.equal(2)
      expect((await runWeir([...words, join(folder, 'x'), '--at', '9999'])).code).to.equal(5)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

async function readingState(state: string, to: number): Promise<{ readonly engine: Engine }> {
  const log = await EventLog.openReadOnly({ path: join(state, 'log') })
  try {
    return await restoreEngine(log, () => {}, to)
  } finally {
    await log.close()
  }
}

const publicPemOf = (checkpoints: readonly Checkpoint[]): string => checkpoints[0]!.key

async function headOf(path: string): Promise<{ readonly head: { readonly seq: number; readonly head: string } }> {
  const log = await EventLog.openReadOnly({ path })
  const { seq, hash } = log.head
  await log.close()
  return { head: { seq, head: hash } }
}

/** The same events but for one, in a log of its own that is sound in itself. */
async function forge(path: string, to: string): Promise<string> {
  const from = await EventLog.openReadOnly({ path })
  const log = await EventLog.open({ storage: folderStorage({ path: to, holder }) })
  for await (const batch of from.read())
    for (const { seq, ...draft } of batch) await log.append([seq === 4 ? { ...draft, source: 'somebody else' } : draft])
  await from.close()
  await log.close()
  return to
}
