import { spawn } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EventLog } from '@weir/store'
import { expect } from 'chai'
import { lives } from './lives.js'

const mortal = fileURLToPath(new URL('./mortal-agent.js', import.meta.url))
const weir = join(dirname(fileURLToPath(import.meta.resolve('@weir/adapters/cli/main.js'))), '../../bin/weir.mjs')

interface Ended {
  readonly signal: NodeJS.Signals | null
  readonly code: number | null
  readonly out: string
}

/** Runs a process of its own. */
function run(...words: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ signal, code, out: out.trim() }))
  })
}

describe('agents of one log', function () {
  // A process for each fact, one after the other.
  this.timeout(600_000)
  let folder = ''

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-determinism-'))
  })

  after(() => rm(folder, { recursive: true, force: true }))

  it('have equal digests and tables: killed at every event, from a snapshot, from the start', async () => {
    const state = join(folder, 'state')
    const stages = ['durable', 'folded', 'enforced']
    for (const [at] of lives.entries()) {
      const { signal } = await run(mortal, state, stages[at % stages.length]!)
      expect(signal, `fact ${at}`).to.equal('SIGKILL')
    }
    // The last one dies of nothing: what it has came out of as many deaths as events.
    const before = join(folder, 'before')
    await cp(state, before, { recursive: true })
    const living = JSON.parse((await run(mortal, state)).out) as { seq: number; digest: string; tables: string }
    expect(living.seq).to.equal(lives.length + 1)
    const log = await EventLog.openReadOnly({ path: join(before, 'log') })
    const snapshots = await log.snapshots.list('engine')
    await log.close()
    expect(snapshots.some(seq => seq > 0 && seq < living.seq)).to.equal(true)

    const bare = join(folder, 'bare')
    const file = join(folder, 'log.ndjson')
    expect((await run(weir, 'log', 'export', file, '--log', before)).code).to.equal(0)
    expect((await run(weir, 'log', 'import', file, '--log', bare)).code).to.equal(0)
    const none = await EventLog.openReadOnly({ path: bare })
    expect(await none.snapshots.list('engine')).to.deep.equal([])
    await none.close()

    for (const [how, path, ...words] of [
      ['from a snapshot', before],
      ['from the start', bare, '--from-start'],
      ['from the last snapshot', state],
    ] as const) {
      const tables = await run(weir, 'log', 'tables', '--log', path, ...words)
      expect(tables.out, how).to.equal(living.tables)
      const replay = JSON.parse((await run(weir, 'replay', '--log', path, '-o', 'json')).out) as {
        same: boolean
        digest: { hex: string }
      }
      expect(replay.digest.hex, how).to.equal(living.digest)
      expect(replay.same, how).to.equal(true)
    }
    const verified = await run(weir, 'log', 'verify', '--log', state)
    expect(verified.code, verified.out).to.equal(0)
  })
})
