import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { kernelObstacle } from '@weir/adapters/agent/datapath.js'
import { canMakeNamespaces, netnsFolder } from '@weir/adapters/network/node-network.js'
import { expect } from 'chai'
import { realServerObstacle } from '../adapters/kubernetes/real-server.js'
import { names } from './names.js'

const main = fileURLToPath(new URL('./main.js', import.meta.url))

const small = '--pods 300 --nodes 5 --identities 20 --policies 10 --namespaces 5 --cidrs 5 --local 10'

/** Flags that make each bench as short as it can be. */
const shortest: Readonly<Record<string, string>> = {
  append: '--events 500 --rounds 1 --writers 4',
  cells: '--pods 20 --local 5 --rounds 1',
  churn: `${small} --seconds 1 --lifetime 1`,
  cni: '--pods 2 --rounds 2 --starts 1',
  compare: '--pods 100 --policies 10 --namespaces 5 --identities 20 --cidrs 5 --rounds 1',
  connect: '--services 10 --backends 2 --rounds 1 --connections 20 --churn 5 --loads 1 --lines 16384 --rules 10',
  'flow-intake': '--flows 64 --seconds 1 --records 1000',
  'flows-top': '--flows 600 --rows 200 --pods 40 --rounds 1',
  flows: '--windows 3 --rows 200 --pods 20',
  history: `${small} --flows 100 --events 100 --explained 1 --rounds 1`,
  'host-path': '--rounds 1 --repeat 100',
  'kernel-memory': small,
  kubernetes: '--pods 20 --policies 5 --seconds 1 --rate 10',
  lint: '--policies 20 --pods 50 --namespaces 5',
  live: '--policies 3 --rounds 2 --dropped 5 --drops 1',
  'packet-path': '--rounds 1 --repeat 100',
  'pod-to-pod': '--rounds 1 --seconds 1 --connections 20 --exchanges 50',
  replay: '--events 2000 --rounds 1',
  routes: '--nodes 20 --rounds 1 --commands 3',
  'state-at': '--events 3000 --pods 100 --namespaces 5 --snapshot 1000 --moments 1',
  scale: `${small} --rounds 2 --growth 100:100`,
  services: '--services 20 --backends 3 --churn 5 --rounds 1 --table 509 --members 5',
  staging: '--pods 40 --events 100 --staged 3 --packets 200 --rounds 1',
  suggest: '--flows 600 --rows 200 --pods 40 --rounds 1',
  update: '--events 300 --rounds 2',
  'verdict-path': '--policies 5 --pods 300 --flows 1,16 --rounds 1 --repeat 100',
  'way-out': '--rounds 1 --repeat 100',
  'what-if-flows': '--flows 600 --rows 200 --pods 40 --rounds 1',
  xdp: '--rounds 1 --repeat 100 --flows 16',
}

const needsKernel = new Set([
  'churn',
  'cni',
  'connect',
  'flow-intake',
  'host-path',
  'kernel-memory',
  'live',
  'packet-path',
  'pod-to-pod',
  'routes',
  'verdict-path',
  'way-out',
  'xdp',
])

interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `npm run bench` without the building; `until` sees what it says and may end it. */
async function run(words: readonly string[], until: (said: string, pid: number) => void = () => {}): Promise<Ending> {
  const child = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
    until(stderr, child.pid!)
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, stdout, stderr }
}

/** What a bench might leave behind: namespaces, and folders. */
const traces = (pid: number): readonly string[] => [
  ...readdirSync(netnsFolder).filter(name => name.includes(`live${pid}-`)),
  ...readdirSync('/sys/fs/bpf/weir').filter(name => name.includes(String(pid))),
]

describe('benches', function () {
  this.timeout(120_000)

  it('are listed with a line each, all of them tried below', async () => {
    const { code, stdout } = await run([])
    expect(code).to.equal(0)
    const lines = stdout.split('\n\n')[1]?.trimEnd().split('\n') ?? []
    expect(lines.map(line => line.split(' ')[0])).to.deep.equal(names())
    expect(Object.keys(shortest).sort()).to.deep.equal(names())
    for (const line of lines) expect(line.length, line).to.be.lessThan(140)
  })

  it('say their flags, and what is no bench or no flag', async () => {
    expect((await run(['live', '--help'])).stdout).to.include('--interval 50')
    expect((await run(['nothing'])).code).to.equal(2)
    expect((await run(['live', '--rounds', 'many'])).code).to.equal(2)
  })

  const noServer = realServerObstacle()
  const lacks = (name: string): string => (name === 'kubernetes' && noServer !== undefined ? `: ${noServer}` : '')
  for (const [name, flags] of Object.entries(shortest))
    it(`${name} runs, and gives figures that are numbers${lacks(name)}`, async function () {
      if (needsKernel.has(name) && (!(await canMakeNamespaces()) || (await kernelObstacle()) !== undefined)) this.skip()
      if (lacks(name) !== '') this.skip()
      const { code, stdout, stderr } = await run([name, ...flags.split(' '), '--output', 'json'])
      expect(code, stderr).to.equal(0)
      const report = JSON.parse(stdout) as { figures: Record<string, { value: unknown; unit: unknown }> }
      expect(Object.keys(report.figures)).not.to.be.empty
      for (const [title, { value, unit }] of Object.entries(report.figures)) {
        expect(value, title).to.be.a('number')
        expect(unit, title).to.be.a('string').and.not.equal('')
      }
    })

  it('take away what they made when a signal ends them', async function () {
    if (!(await canMakeNamespaces()) || (await kernelObstacle()) !== undefined) this.skip()
    const folders = (): readonly string[] => readdirSync(tmpdir()).filter(name => name.startsWith('weir-bench-live-'))
    const before = folders()
    let ended: readonly string[] = []
    let bench = 0
    const { signal } = await run(['live', '--policies', '3', '--rounds', '2', '--drops', '1'], (said, pid) => {
      if (bench !== 0 || !said.includes('in place')) return
      bench = pid
      ended = traces(pid)
      process.kill(pid, 'SIGTERM')
    })
    expect(signal).to.equal('SIGTERM')
    expect(ended, 'there while it ran').to.have.length.greaterThan(2)
    expect(traces(bench)).to.deep.equal([])
    expect(folders()).to.deep.equal(before)
  })
})
