import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DemoReport } from '@weir/adapters/demo/report.js'
import { expect } from 'chai'
import { requireKernel } from './stage.js'

const command = fileURLToPath(new URL('../../../adapters/bin/weir.mjs', import.meta.url))

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
  const child = spawn(process.execPath, [command, 'demo', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
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

/** What runs of the demo have made and not taken away. Tests of others that run meanwhile have other names. */
function made(): Set<string> {
  const list = (folder: string, pattern: RegExp): string[] =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter(name => pattern.test(name))
          .map(name => `${folder}/${name}`)
      : []
  return new Set([
    ...list('/run/netns', /^weir-[0-9a-f]{8}-/),
    ...list('/run/weir/demo', /^[0-9a-f]{8}\.json$/),
    ...list('/sys/fs/bpf/weir', /^demo-/),
    ...list(tmpdir(), /^weir-demo-/),
  ])
}

describe('weir demo', function () {
  this.timeout(60_000)
  const folder = mkdtempSync(join(tmpdir(), 'weir-demo-spec-'))
  let already: Set<string>

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
  beforeEach(() => {
    already = made()
  })
  after(() => rmSync(folder, { recursive: true }))

  function expectNothingLeft(): void {
    expect([...made()].filter(name => !already.has(name))).to.deep.equal([])
  }

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

  it('on the memory backend: one JSON object, no privilege used', async () => {
    expectReport(await demo(folder, '--backend', 'memory', '--output', 'json').ended, 'memory')
    expectNothingLeft()
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
      const report = expectReport(await demo(folder, '--backend', 'kernel', '--output', 'json').ended, 'kernel')
      const denied = report.matrix.filter(cell => !cell.allowed)
      expect(
        denied.every(cell => cell.evidence.startsWith('dropped: ')),
        JSON.stringify(denied),
      ).to.equal(true)
      expectNothingLeft()
    })

    it('takes everything away at Ctrl-C in the middle', async () => {
      const run = demo(folder, '--backend', 'kernel')
      await run.said('on the kernel backend')
      run.child.kill('SIGINT')
      const { code, signal } = await run.ended
      expect({ code, signal }).to.deep.equal({ code: 130, signal: null })
      expectNothingLeft()
    })

    it('stays with --keep until SIGTERM, and takes everything away then', async () => {
      const run = demo(folder, '--backend', 'kernel', '--keep')
      await run.said('left running')
      expect([...made()].filter(name => !already.has(name)).length).to.be.greaterThan(3)
      run.child.kill('SIGTERM')
      expect((await run.ended).code).to.equal(0)
      expectNothingLeft()
    })

    it('clears what a killed run left', async () => {
      const run = demo(folder, '--backend', 'kernel', '--keep')
      await run.said('left running')
      run.child.kill('SIGKILL')
      await run.ended
      expect([...made()].filter(name => !already.has(name)).length).to.be.greaterThan(3)
      const { out } = await demo(folder, '--backend', 'memory').ended
      expect(out).to.include('cleared what an earlier run left behind')
      expectNothingLeft()
    })
  })
})
