import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attempt } from '@weir/adapters/demo/attempt.js'
import { type Listener, listenEcho } from '@weir/adapters/demo/echo.js'
import { createNodeNetwork, type NodeNetwork } from '@weir/adapters/network/node-network.js'
import { ipBatch } from '@weir/adapters/network/run.js'
import { protocolNumbers } from '@weir/core'
import { expect } from 'chai'
import { connectTcpIn, pingIn, udpSocketIn } from 'netns-napi'
import { AgentProcess, eventually, pause } from './agent-process.js'
import { echoes } from './echoes.js'
import { hostManifests, pings, port, toPorts } from './host-manifests.js'
import { nodeAddresses, requireKernel, worldAddresses } from './stage.js'

const families = [4, 6] as const
type Family = (typeof families)[number]
const of = (addresses: readonly string[], family: Family): string => addresses[family === 4 ? 0 : 1]!

const otherNode = ['203.0.113.80', 'fd78::80'] as const
const apiServer = ['203.0.113.90', 'fd78::90'] as const
/** Of a pod that runs here. */
const podAddresses = ['10.77.1.1', 'fd77::1:1'] as const
const served = { TCP: [22, 8080, 9090, 10250, 10251], UDP: [5353, 5354] } as const

const fromWorld = { fromEntities: ['world'], toPorts: toPorts(port(8080), port(5353, 'UDP')) }
const takes = [
  fromWorld,
  { fromEntities: ['world'], icmps: pings },
  { fromEntities: ['remote-node'], toPorts: toPorts(port(10250)) },
  { fromEntities: ['kube-apiserver'], toPorts: toPorts(port(10251)) },
]
const calls = [{ toEntities: ['world'], toPorts: toPorts(port(443)) }]

for (const attach of ['auto', 'clsact'] as const)
  describe(`a node under policy, attach ${attach} (needs root and eBPF)`, function () {
    this.timeout(60_000)
    const id = `h${attach[0]}${process.pid}`
    const node = `host-${id}`
    const folder = mkdtempSync(join(tmpdir(), 'weir-host-'))
    const inputs = join(folder, 'manifests')
    const cluster = { node, nodeAddresses, podAddresses, otherNode, apiServer }
    let network: NodeNetwork
    let agent: AgentProcess
    let listeners: readonly Listener[] = []
    const sockets: Socket[] = []

    before(async function () {
      await requireKernel(this)
      mkdirSync(inputs)
      writeFileSync(join(inputs, 'cluster.yaml'), hostManifests(cluster, undefined))
      const outside = [...worldAddresses, ...otherNode, ...apiServer]
      network = await createNodeNetwork({ id, nodeAddresses, worldAddresses: outside })
      listeners = await Promise.all([
        ...nodeAddresses.flatMap(address =>
          (['TCP', 'UDP'] as const).flatMap(protocol =>
            served[protocol].map(each => listenEcho(network.netnsPath, address, protocol, each)),
          ),
        ),
        ...worldAddresses.flatMap(address =>
          [443, 444].map(each => listenEcho(network.world!.netnsPath, address, 'TCP', each)),
        ),
      ])
      agent = new AgentProcess(join(folder, 'agent.sock'), [
        ...['--state', join(folder, 'state'), '--manifests', inputs, '--node', node, '--backend', 'kernel'],
        ...['--netns', network.netnsPath, '--device', 'weir-out*', '--attach', attach],
      ])
      await agent.start()
    })

    after(async () => {
      await agent?.end('SIGKILL')
      for (const socket of sockets) socket.destroy()
      await Promise.all(listeners.map(listener => listener.close()))
      rmSync(`/sys/fs/bpf/weir/${node}`, { recursive: true, force: true })
      await network?.destroy()
      rmSync(folder, { recursive: true, force: true })
    })

    /** Changes the policy of the node; resolves when it is enforced. */
    async function apply(policy: Readonly<Record<string, object>> | undefined): Promise<void> {
      const { reconcile, log } = await agent.status()
      writeFileSync(join(inputs, 'cluster.yaml'), hostManifests(cluster, policy))
      await eventually(async () => {
        const now = await agent.status()
        return now.log.head > log.head && now.reconcile.applied > reconcile.applied ? now : undefined
      })
    }

    async function reaches(
      [from, to]: readonly [string, string],
      protocol: 'TCP' | 'UDP',
      number: number,
      isExpected: boolean,
    ): Promise<boolean> {
      const netns = (nodeAddresses as readonly string[]).includes(from) ? network.netnsPath : network.world!.netnsPath
      const timeoutMs = isExpected ? 3000 : 300
      const family = from.includes(':') ? 6 : 4
      const flow = { from, to, protocol: protocolNumbers[protocol], port: number }
      const seen = await attempt(netns, { from, to, family, protocol, port: number, flow }, timeoutMs)
      return seen.kind === 'answered'
    }

    /** Lines such as `TCP:22 yes`, of both families. */
    async function expectAt(
      when: string,
      ends: (family: Family) => readonly [string, string],
      ...wanted: readonly (readonly ['TCP' | 'UDP', number, boolean])[]
    ): Promise<void> {
      const seen = await Promise.all(
        families.flatMap(family =>
          wanted.map(async ([protocol, number, isExpected]) => {
            const passed = await reaches(ends(family), protocol, number, isExpected)
            return passed === isExpected ? '' : `IPv${family} ${protocol}:${number} ${passed ? 'passes' : 'fails'}`
          }),
        ),
      )
      expect(
        seen.filter(line => line !== ''),
        when,
      ).to.deep.equal([])
    }

    const inward =
      (who: readonly string[]) =>
      (family: Family): readonly [string, string] => [of(who, family), of(nodeAddresses, family)]
    const outward = (family: Family): readonly [string, string] => [
      of(nodeAddresses, family),
      of(worldAddresses, family),
    ]

    async function connect(number: number): Promise<Socket[]> {
      const made = await Promise.all(
        nodeAddresses.map(address =>
          connectTcpIn(network.world!.netnsPath, { address, port: number, timeoutMs: 3000 }),
        ),
      )
      sockets.push(...made)
      return made
    }
    const alive = (of: readonly Socket[], timeoutMs: number): Promise<boolean[]> =>
      Promise.all(of.map(socket => echoes(socket, timeoutMs)))

    const pinged = (): Promise<boolean[]> =>
      Promise.all(
        families.map(family =>
          pingIn(network.world!.netnsPath, of(nodeAddresses, family), {
            timeoutMs: 1000,
            localAddress: of(worldAddresses, family),
          }),
        ),
      )

    async function dropped(reason: string): Promise<number> {
      const { backend } = await agent.status()
      return backend.counters.find(row => row.reason === reason && row.direction === 'ingress')?.packets ?? 0
    }

    let ssh: readonly Socket[] = []
    let kept: readonly Socket[] = []

    it('is open while no policy selects it', async () => {
      await expectAt('in', inward(worldAddresses), ['TCP', 22, true], ['TCP', 9090, true], ['UDP', 5354, true])
      await expectAt('out', outward, ['TCP', 443, true], ['TCP', 444, true])
      const { host } = await agent.status()
      expect(host).to.deep.include({ isJudged: false, failSafePorts: [22, 6443] })
      expect(host.devices.map(({ ifname, why, isAttached }) => ({ ifname, why, isAttached }))).to.deep.equal([
        { ifname: 'weir-out', why: 'weir-out*', isAttached: true },
      ])
    })

    it('under a policy keeps open connections that it allows, ssh whatever it says, and cuts the others', async () => {
      ssh = await connect(22)
      kept = await connect(8080)
      const cut = await connect(9090)
      await apply({ ingress: takes, egress: calls })
      expect((await agent.status()).host.isJudged).to.equal(true)
      expect(await alive(ssh, 2000), 'ssh').to.deep.equal([true, true])
      expect(await alive(kept, 2000), 'allowed').to.deep.equal([true, true])
      expect(await alive(cut, 500), 'denied').to.deep.equal([false, false])
    })

    const expectPolicy = async (when: string): Promise<void> => {
      await expectAt(
        `${when}, in`,
        inward(worldAddresses),
        ['TCP', 22, true],
        ['TCP', 8080, true],
        ['TCP', 9090, false],
        ['UDP', 5353, true],
        ['UDP', 5354, false],
        ['TCP', 10250, false],
        ['TCP', 10251, false],
      )
      await expectAt(`${when}, out`, outward, ['TCP', 443, true], ['TCP', 444, false])
    }

    it('takes and calls what its policy says, new', async () => {
      await expectPolicy('running')
      expect(await pinged()).to.deep.equal([true, true])
    })

    it('tells other nodes and the API server from the world', async () => {
      await expectAt('node', inward(otherNode), ['TCP', 10250, true], ['TCP', 10251, false], ['TCP', 8080, false])
      await expectAt('API server', inward(apiServer), ['TCP', 10251, true], ['TCP', 10250, false])
    })

    it('says why', async () => {
      const ask = async (number: number): Promise<string> => {
        const query = `from=${worldAddresses[0]}&to=${nodeAddresses[0]}:${number}`
        return JSON.stringify(await agent.client.get<unknown>(`/v1/why?${query}`))
      }
      expect(await ask(22)).to.contain('built-in: fail-safe ports')
      expect(await ask(9090)).to.contain('CiliumClusterwideNetworkPolicy nodes')
    })

    it('goes on under its policy when the agent is killed, and after a restart', async () => {
      await agent.end('SIGKILL')
      await expectPolicy('killed')
      expect(await alive(ssh, 2000), 'ssh').to.deep.equal([true, true])
      await agent.start()
      await expectPolicy('started again')
      expect(await alive([...ssh, ...kept], 2000), 'connections').to.deep.equal([true, true, true, true])
    })

    it('cuts what a change of policy denies', async () => {
      await apply({ ingress: takes.slice(2) })
      expect(await alive(kept, 500)).to.deep.equal([false, false])
      expect(await alive(ssh, 2000)).to.deep.equal([true, true])
      expect(await pinged()).to.deep.equal([false, false])
      await expectAt('egress is open again', outward, ['TCP', 444, true])
    })

    it('lets nobody outside speak as the node or one of its pods', async () => {
      const before = await dropped('Invalid source ip')
      for (const own of [...nodeAddresses, ...podAddresses]) {
        const length = own.includes(':') ? '128 dev lo nodad' : '32 dev lo'
        await ipBatch([`address add ${own}/${length}`], { netns: network.world!.netns })
        const socket = await udpSocketIn(network.world!.netnsPath, { address: own })
        socket.send('x', 5353, own.includes(':') ? 'fd77::1:99' : '10.77.1.99')
        await pause(50)
        socket.close()
        await ipBatch([`address delete ${own}/${length.split(' ')[0]} dev lo`], { netns: network.world!.netns })
      }
      const after = await dropped('Invalid source ip')
      expect(after - before).to.equal(4)
    })

    it('follows its devices as they come and go', async () => {
      const devices = async (): Promise<string[]> =>
        (await agent.status()).host.devices.filter(({ isAttached }) => isAttached).map(({ ifname }) => ifname)
      await ipBatch(['link add name weir-out2 type veth peer name weirx2'], { netns: network.netns })
      await eventually(async () => ((await devices()).includes('weir-out2') ? true : undefined))
      await ipBatch(['link delete weir-out2'], { netns: network.netns })
      await eventually(async () => ((await devices()).includes('weir-out2') ? undefined : true))
      expect(await devices()).to.deep.equal(['weir-out'])
      expect((await agent.status()).host.problem).to.equal(undefined)
    })
  })
