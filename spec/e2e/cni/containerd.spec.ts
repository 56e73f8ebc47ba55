import { listText } from '@weir/adapters/cni/install.js'
import { expect } from 'chai'
import { eventually } from '../agent-process.js'
import { policy, requireKernel } from '../stage.js'
import { Containerd, containerdObstacle, type RunningPod } from './containerd.js'
import type { NetworkList } from './runtime.js'
import { CniSite } from './site.js'

const obstacle = containerdObstacle()
const port = 8080
const suffix = obstacle === undefined ? '' : `: ${obstacle}`

describe(`the CNI plugin under containerd (needs root and eBPF)${suffix}`, function () {
  this.timeout(180_000)
  let site: CniSite
  let runtime: Containerd | undefined
  const running = new Map<string, RunningPod>()

  before(async function () {
    if (obstacle !== undefined) return this.skip()
    await requireKernel(this)
    site = await CniSite.open('ctrd')
    await site.start()
    runtime = new Containerd(site.id, JSON.parse(listText(site.socketPath)) as NetworkList)
    await runtime.start()
  })
  after(async () => {
    for (const pod of running.values()) await runtime?.remove(pod).catch(() => {})
    await runtime?.stop()
    await site?.close()
  })

  const run = async (name: string): Promise<RunningPod> => {
    await site.tell(name, { app: name })
    const pod = await runtime!.run('shop', name)
    running.set(name, pod)
    return pod
  }
  const addressesOf = (name: string): readonly string[] =>
    site.agent.engine.state.pods.get(`shop/${name}`)!.fact.addresses

  it('plugs pods in under their names, with addresses of both families', async () => {
    for (const name of ['db', 'api', 'web']) {
      const pod = await run(name)
      expect(addressesOf(name)).to.have.length(2)
      const { output } = await runtime!.exec(pod, '/bin/ip', 'address', 'show', 'eth0')
      for (const address of addressesOf(name)) expect(output).to.include(`${address}/`)
      expect(output).to.include('mtu 1500')
    }
  })

  it('lets them reach what policy allows them, and nothing else', async () => {
    const fact = policy('shop', 'db', {
      podSelector: { matchLabels: { app: 'db' } },
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'api' } } }] }],
    })
    await site.say({ kind: 'networkpolicy.upserted', policy: fact })
    const listening = ['/bin/nc', '-ll', '-p', String(port), '-e', '/bin/echo', 'heard'] as const
    void runtime!.exec(running.get('db')!, ...listening).catch(() => {})
    const [four = '', six = ''] = addressesOf('db')
    const heard = async (from: string, address: string): Promise<string> =>
      (await runtime!.exec(running.get(from)!, '/bin/nc', '-w', '2', address, String(port))).output.trim()
    await eventually(async () => ((await heard('api', four)) === 'heard' ? true : undefined))
    expect(await heard('api', six)).to.equal('heard')
    expect([await heard('web', four), await heard('web', six)]).to.deep.equal(['', ''])
  })

  it('gives everything back when they end', async () => {
    for (const pod of running.values()) await runtime!.remove(pod)
    running.clear()
    const { attachments, endpoints } = site.agent.engine.state
    expect([attachments.size, endpoints.size]).to.deep.equal([0, 0])
    expect(site.devices()).to.deep.equal([])
  })
})
