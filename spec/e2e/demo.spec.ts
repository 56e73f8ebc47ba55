import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runFolder } from '@weir/adapters/demo/leftovers.js'
import type { DemoReport } from '@weir/adapters/demo/report.js'
import { expect } from 'chai'
import { requireKernel, weirCommand } from './stage.js'

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when standard output or error have had this text. */
  said(text: string): Promise<void>
}

function demo(...args: string[]): Running {
  const child = spawn(process.execPath, [weirCommand, 'demo', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let [out, err] = ['', '']
  child.stdout.on('data', chunk => {
    out += String(chunk)
  })
  child.stderr.on('data', chunk => {
    err += String(chunk)
  })
  const ended = new Promise<Ended>(resolve => child.on('close', (code, signal) => resolve({ code, signal, out, err })))
  const said = async (text: string): Promise<void> => {
    for (let waited = 0; waited < 600; waited++) {
      if (out.includes(text) || err.includes(text)) return
      if (child.exitCode !== null) break
      await new Promise(resolve => setTimeout(resolve, 25))
    }
    throw new Error(`it never said ${text}: ${out}${err}`)
  }
  return { child, ended, said }
}

/** What a run of the demo has made and not taken away: other runs may be under way on this machine. */
function madeBy(id: string): string[] {
  const list = (folder: string): string[] =>
    existsSync(folder) ? readdirSync(folder).map(name => `${folder}/${name}`) : []
  return ['/run/netns', runFolder, '/sys/fs/bpf/weir', tmpdir()].flatMap(list).filter(path => path.includes(id))
}

/** The id that a run wrote down for itself before it made anything; undefined when it ended before. */
async function idOf(run: Running): Promise<string | undefined> {
  while (run.child.exitCode === null) {
    for (const name of existsSync(runFolder) ? readdirSync(runFolder) : []) {
      const text = readIfThere(join(runFolder, name))
      if (text.includes(`"pid":${run.child.pid},`)) return name.slice(0, -'.json'.length)
    }
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  return undefined
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

describe('weir demo', function () {
  this.timeout(60_000)
  const folder = mkdtempSync(join(tmpdir(), 'weir-demo-spec-'))

  before(() => {
    writeFileSync(
      join(folder, 'all.yaml'),
      `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: i, ports: [{containerPort: 80, name: http}, {containerPort: 53, protocol: UDP}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: asker, labels: {role: asker}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    - from: [{podSelector: {matchLabels: {role: asker}}}]
      ports: [{port: http}]
`,
    )
  })
  after(() => rmSync(folder, { recursive: true }))

  function expectReport({ code, out, err }: Ended, backend: 'kernel' | 'memory'): DemoReport {
    expect(code, err).to.equal(0)
    expect(out.trim().split('\n'), 'lines on standard output').to.have.length(1)
    const report = JSON.parse(out) as DemoReport
    // Senders: web, asker, the node, the world; ports: two of web's and one of the world's, of pods alone.
    expect(report.cells).to.equal(2 * (4 * 2 + 2))
    expect(report.allowed + report.denied).to.equal(report.cells)
    // To web: itself and the node both ports, asker one; to the world: both pods.
    expect(report.allowed).to.equal(2 * (2 + 2 + 1 + 2))
    expect(report.disagreements).to.deep.equal([])
    expect(report.digest)
      .to.match(/^[0-9a-f]{64}$/)
      .and.equal(report.replayDigest)
    expect(report.backend).to.equal(backend)
    expect(report.changes.map(({ change }) => change)).to.deep.equal([
      'NetworkPolicy default/web deleted',
      'Pod default/web-0-sibling added',
    ])
    expect(report.changes[0]!.flipped.length).to.equal(2 * (1 + 2))
    return report
  }

  it('on the memory backend: one JSON object', async () => {
    expectReport(await demo(folder, '--backend', 'memory', '--output', 'json').ended, 'memory')
  })

  it('says so when a policy is refused, and goes on', async () => {
    const broken = join(folder, 'broken')
    const { code, out } = await (async () => {
      writeFileSync(
        `${broken}.yaml`,
        'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: bad}\nspec: {podSelector: 7}\n',
      )
      return await demo(folder, '--backend', 'memory').ended
    })().finally(() => rmSync(`${broken}.yaml`))
    expect(code).to.equal(0)
    expect(out).to.include('broken.yaml:4: spec.podSelector')
  })

  describe('on the kernel (needs root and eBPF)', () => {
    before(async function () {
      await requireKernel(this)
    })

    it('tries every cell with real connections, agrees with the reference, and leaves nothing', async () => {
      const run = demo(folder, '--backend', 'kernel', '--output', 'json')
      const id = await idOf(run)
      const report = expectReport(await run.ended, 'kernel')
      const denied = report.matrix.filter(cell => !cell.allowed)
      expect(
        denied.every(cell => cell.evidence.startsWith('dropped: ')),
        JSON.stringify(denied),
      ).to.equal(true)
      expect(madeBy(id!)).to.deep.equal([])
    })

    for (const afterMs of [0, 150, 400, 800])
      it(`takes everything away at Ctrl-C, ${afterMs} ms after it began to make things`, async () => {
        const run = demo(folder, '--backend', 'kernel', '--keep')
        const id = await idOf(run)
        await new Promise(resolve => setTimeout(resolve, afterMs))
        // As a terminal does: to the command and to all that it has started.
        process.kill(-run.child.pid!, 'SIGINT')
        const { code, signal, err } = await run.ended
        // A fast machine may be done by then, and stay.
        expect(afterMs < 400 ? [130] : [0, 130], `${signal} ${err}`).to.include(code)
        expect(madeBy(id!)).to.deep.equal([])
      })

    it('stays with --keep until SIGTERM, and takes everything away then', async () => {
      const run = demo(folder, '--backend', 'kernel', '--keep')
      const id = await idOf(run)
      await run.said('left running')
      expect(madeBy(id!).length).to.be.greaterThan(5)
      run.child.kill('SIGTERM')
      expect((await run.ended).code).to.equal(0)
      expect(madeBy(id!)).to.deep.equal([])
    })

    it('clears what a killed run left', async () => {
      const run = demo(folder, '--backend', 'kernel', '--keep')
      const id = await idOf(run)
      await run.said('left running')
      run.child.kill('SIGKILL')
      await run.ended
      expect(madeBy(id!).length).to.be.greaterThan(5)
      await demo(folder, '--backend', 'memory').ended
      expect(madeBy(id!)).to.deep.equal([])
    })
  })
})
