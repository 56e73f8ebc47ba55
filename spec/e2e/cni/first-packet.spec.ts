import { type ChildProcess, spawn } from 'node:child_process'
import { expect } from 'chai'
import { udpSocketIn } from 'netns-napi'
import { run } from '@weir/adapters/network/run.js'
import { eventually, pause } from '../agent-process.js'
import { policy, requireKernel } from '../stage.js'
import type { CniRuntime, Sandbox } from './runtime.js'
import { CniSite } from './site.js'

const port = 9009

/** Sends without an end from inside a namespace, from the moment that it can; brings devices up itself. */
function flood(netnsPath: string, addresses: readonly string[]): ChildProcess {
  const sends = addresses.map(address => `echo x > /dev/udp/${address}/${port}`).join('; ')
  const script = `while :; do ip link set eth0 up; for i in 1 2 3 4 5 6 7 8 9; do ${sends}; done; done`
  return spawn('nsenter', [`--net=${netnsPath}`, 'bash', '-c', script], { stdio: 'ignore', detached: true })
}

function stopFlood(child: ChildProcess): Promise<void> {
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  return gone
}

describe('the first packet of a pod (needs root and eBPF)', function () {
  this.timeout(60_000)
  let site: CniSite
  let runtime: CniRuntime
  let heard: string[] = []
  const listeners: { close(): void }[] = []

  before(async function () {
    await requireKernel(this)
    site = await CniSite.open('first')
    await site.start()
    runtime = site.runtime()
    for (const address of site.network.world!.addresses) {
      const socket = await udpSocketIn(site.network.world!.netnsPath, { address, port })
      socket.on('message', (_message, { address: from }) => heard.push(from))
      listeners.push(socket)
    }
  })
  after(async () => {
    for (const listener of listeners) listener.close()
    await site?.close()
  })
  beforeEach(() => {
    heard = []
  })

  const toWorld = (): readonly string[] => site.network.world!.addresses

  const denied = async (): Promise<number> =>
    (await site.agent.status()).backend.counters
      .filter(({ reason, direction }) => reason === 'Policy denied' && direction === 'egress')
      .reduce((sum, { packets }) => sum + packets, 0)

  /** Plugs a pod in that sends from before its interface is there, until all that it is to come to has come. */
  async function addFlooding(sandbox: Sandbox, until: () => Promise<boolean>): Promise<void> {
    const flooding = flood(sandbox.netnsPath, toWorld())
    try {
      await pause(50)
      await runtime.add(sandbox)
      await eventually(async () => ((await until()) ? true : undefined))
    } finally {
      await stopFlood(flooding)
    }
  }

  /** That the pod's packets came as far as the programs, which let none pass. */
  async function addDenied(sandbox: Sandbox): Promise<void> {
    const before = await denied()
    await addFlooding(sandbox, async () => (await denied()) > before + 20)
    expect(heard).to.deep.equal([])
  }

  const heardBoth = async (): Promise<boolean> => new Set(heard).size === 2

  it('gets out where nothing denies it', async () => {
    const [sandbox] = await site.sandboxes(1, () => 'free')
    await site.tell('free')
    await addFlooding(sandbox!, heardBoth)
    const own = site.agent.engine.state.attachments.get(`${sandbox!.container}/eth0`)!.fact.addresses
    expect(new Set(heard)).to.deep.equal(new Set(own))
    await runtime.del(sandbox!)
  })

  it('does not, not one, where a policy denies what leaves', async () => {
    await site.say({
      kind: 'networkpolicy.upserted',
      policy: policy('shop', 'closed', { podSelector: {}, policyTypes: ['Egress'] }),
    })
    for (let turn = 0; turn < 5; turn++) {
      const [sandbox] = await site.sandboxes(1, () => 'closed')
      await site.tell('closed')
      await addDenied(sandbox!)
      await runtime.del(sandbox!)
    }
    await site.say({ kind: 'networkpolicy.deleted', namespace: 'shop', name: 'closed' })
  })

  it('does not as long as nobody has told of the pod, and does when somebody tells', async () => {
    const [sandbox] = await site.sandboxes(1, () => 'unknown')
    await addDenied(sandbox!)
    await site.tell('unknown')
    const flooding = flood(sandbox!.netnsPath, toWorld())
    await eventually(async () => ((await heardBoth()) ? true : undefined)).finally(() => stopFlood(flooding))
    await runtime.del(sandbox!)
  })

  it('does not from a sandbox in whose place the pod has got another', async () => {
    await site.say({
      kind: 'networkpolicy.upserted',
      policy: policy('shop', 'closed', { podSelector: {}, policyTypes: ['Egress'] }),
    })
    const [older, newer] = await site.sandboxes(2, () => 'twice')
    await site.tell('twice')
    // It knows its gateway's MAC from then on.
    await addDenied(older!)
    await addDenied(newer!)
    const flooding = flood(older!.netnsPath, toWorld())
    await pause(500).finally(() => stopFlood(flooding))
    expect(heard).to.deep.equal([])
    await runtime.del(older!)
    await runtime.check(newer!)
    await runtime.del(newer!)
    await site.say({ kind: 'networkpolicy.deleted', namespace: 'shop', name: 'closed' })
  })

  it('is refused where the pod runs on another node by now, whose address it has then, until it is here again', async () => {
    const [sandbox] = await site.sandboxes(1, () => 'moved')
    await site.tell('moved')
    await addFlooding(sandbox!, heardBoth)
    const pod = { ...site.agent.engine.state.pods.get('shop/moved')!.fact, addresses: ['10.99.0.9'] }
    await site.say({ kind: 'pod.upserted', pod: { ...pod, node: 'another' } })
    await eventually(async () => (site.agent.engine.state.endpoints.has('shop/moved') ? undefined : true))
    heard = []
    const flooding = flood(sandbox!.netnsPath, toWorld())
    await pause(300).finally(() => stopFlood(flooding))
    expect(heard).to.deep.equal([])
    expect(site.agent.engine.tables.addresses.get('10.99.0.9')).to.deep.include({ endpoint: 0 })
    await site.tell('moved')
    await eventually(async () => (site.agent.engine.state.endpoints.has('shop/moved') ? true : undefined))
    const again = flood(sandbox!.netnsPath, toWorld())
    await eventually(async () => ((await heardBoth()) ? true : undefined)).finally(() => stopFlood(again))
    await runtime.check(sandbox!)
    await site.say({ kind: 'pod.upserted', pod: { ...pod, node: 'another' } })
    await runtime.del(sandbox!)
    expect(site.agent.engine.state.pods.get('shop/moved')!.fact.addresses).to.deep.equal(['10.99.0.9'])
    await site.say({ kind: 'pod.deleted', namespace: 'shop', name: 'moved' })
  })

  it('waits for the pod’s object where a source may tell of it', async () => {
    const [sandbox] = await site.sandboxes(1, () => 'late')
    await site.stop()
    await site.start({ cni: { podWaitMs: 20_000 } })
    const adding = runtime.add(sandbox!)
    await pause(200)
    expect(site.agent.engine.state.attachments.size).to.equal(0)
    await site.tell('late', { app: 'late' })
    await adding
    expect(site.agent.engine.state.pods.get('shop/late')?.fact.init).to.equal(undefined)
    await runtime.del(sandbox!)
  })

  it('is refused under another’s address, and from another MAC', async () => {
    const [sandbox] = await site.sandboxes(1, () => 'liar')
    await site.tell('liar')
    await runtime.add(sandbox!)
    const inside = (...words: readonly string[]): Promise<string> =>
      run('nsenter', [`--net=${sandbox!.netnsPath}`, 'ip', ...words])
    const send = async (from: string): Promise<void> => {
      const to = toWorld().find(each => each.includes(':') === from.includes(':'))!
      const socket = await udpSocketIn(sandbox!.netnsPath, { address: from, port: 0 })
      for (let count = 0; count < 20; count++) {
        socket.send('x', port, to)
        await pause(10)
      }
      socket.close()
    }
    await inside('address', 'add', '10.78.1.200/32', 'dev', 'eth0')
    await inside('address', 'add', 'fd78:1::200/128', 'dev', 'eth0', 'nodad')
    const own = site.agent.engine.state.attachments.get(`${sandbox!.container}/eth0`)!.fact.addresses
    const sendOwn = async (): Promise<boolean> => {
      await send(own[0]!)
      await send(own[1]!)
      return await heardBoth()
    }
    await eventually(async () => ((await sendOwn()) ? true : undefined))
    heard = []
    await send('10.78.1.200')
    await send('fd78:1::200')
    expect(heard).to.deep.equal([])
    await sendOwn()
    expect(new Set(heard)).to.deep.equal(new Set(own))
    heard = []
    await inside('link', 'set', 'eth0', 'address', '02:00:00:00:00:99')
    await send(own[0]!)
    expect(heard).to.deep.equal([])
    await runtime.del(sandbox!)
  })
})
