import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Reconciler } from '@weir/datapath'
import { createKernelBackend } from '@weir/datapath/kernel/backend.js'
import { expect } from 'chai'
import { probe, queryClsact, queryTcx } from 'ebpf-napi'
import { ifindexOf, ip, removeLink, whyNoKernel } from './requires.js'
import { addresses, hostMacs, podMacs, twoPods } from './two-pods.js'

const reason = whyNoKernel()
const pods = ['a', 'b'] as const
const ifnames = ['weirsva', 'weirsvb'] as const
const namespaces = ['weirsv-a', 'weirsv-b'] as const
const node = `weir-survival-${process.pid}`

function removeAll(): void {
  for (const index of [0, 1] as const) {
    removeLink(ifnames[index])
    if (ip('netns', 'list').includes(namespaces[index])) ip('netns', 'delete', namespaces[index])
  }
}

function makePods(): void {
  for (const [index, pod] of pods.entries()) {
    const [ifname, netns] = [ifnames[index]!, namespaces[index]!]
    ip('netns', 'add', netns)
    ip('link', 'add', ifname, 'address', hostMacs[index]!, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns)
    ip('link', 'set', ifname, 'up')
    ip('-n', netns, 'link', 'set', 'eth0', 'address', podMacs[index]!, 'up')
    ip('-n', netns, 'address', 'add', `${addresses[pod][0]}/32`, 'dev', 'eth0')
    ip('-n', netns, 'route', 'add', 'default', 'dev', 'eth0')
  }
}

const listener = `for (const port of [80, 81]) require('net').createServer(s => s.end()).listen(port, '0.0.0.0')`
const caller = `const s = require('net').connect({ host: process.argv[1], port: +process.argv[2], timeout: 700 })
s.on('connect', () => process.exit(0)).on('error', () => process.exit(1)).on('timeout', () => process.exit(1))`

/** Whether pod a can connect to a port of pod b: 80 is allowed, 81 isn't. */
function connects(port: number): boolean {
  const args = ['netns', 'exec', namespaces[0], process.execPath, '-e', caller, addresses.b[0], String(port)]
  try {
    execFileSync('ip', args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function listen(): Promise<ChildProcess> {
  const child = spawn('ip', ['netns', 'exec', namespaces[1], process.execPath, '-e', listener], { stdio: 'ignore' })
  await new Promise(resolve => setTimeout(resolve, 300))
  return child
}

async function survivor(attach: string): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./survivor.js', import.meta.url))
  const child = spawn(process.execPath, [script, node, attach, ...ifnames], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise<void>((resolve, reject) => {
    child.stdout!.once('data', () => resolve())
    child.once('exit', code => reject(new Error(`exited with ${code}`)))
  })
  return child
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

for (const attach of ['auto', 'clsact'] as const) {
  describe(`law 8: the datapath outlives the agent, attach ${attach}${reason === undefined ? '' : `: ${reason}`}`, function () {
    this.timeout(30_000)

    let listening: ChildProcess | undefined
    before(async function () {
      if (reason !== undefined) return this.skip()
      removeAll()
      makePods()
      listening = await listen()
    })
    after(() => {
      if (reason !== undefined) return
      listening?.kill('SIGKILL')
      const backend = createKernelBackend({ node, attach })
      backend.uninstall()
      backend.close()
      removeAll()
    })

    it('enforces while no agent runs, and a new run takes over without a gap in its programs', async () => {
      const usesTcx = attach === 'auto' && probe.tcx()
      const programs = () =>
        ifnames.map(name => {
          const ifindex = ifindexOf(name)
          return usesTcx
            ? queryTcx(ifindex, 'ingress').programs
            : [{ programId: queryClsact(ifindex, 'ingress'), linkId: 0 }]
        })
      const child = await survivor(attach)
      expect([connects(80), connects(81)], 'with an agent').to.deep.equal([true, false])
      const first = programs()
      await killed(child)
      expect(programs()).to.deep.equal(first)
      expect([connects(80), connects(81)], 'without an agent').to.deep.equal([true, false])

      // A constant of theirs is another one: the programs of the run before won't do.
      const backend = createKernelBackend({ node, attach, eventsPerSecond: 77 })
      expect(backend.attachments()).to.have.length(2)
      const ifindexes = [ifindexOf(ifnames[0]), ifindexOf(ifnames[1])] as const
      const report = await new Reconciler(backend).start(twoPods({ ifindexes, ifnames }))
      expect(report.writes).to.deep.equal({ weir_endpoints: { updated: 2, deleted: 0 } })
      const second = programs()
      for (const [index, at] of second.entries()) {
        expect(at).to.have.length(1)
        expect(at[0]!.linkId, 'the same link').to.equal(first[index]![0]!.linkId)
        expect(at[0]!.programId, 'a new program').not.to.equal(first[index]![0]!.programId)
      }
      expect([connects(80), connects(81)], 'after the upgrade').to.deep.equal([true, false])
      backend.close()
      expect([connects(80), connects(81)], 'after the close').to.deep.equal([true, false])
    })
  })
}
