import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PolicyView, StatusReport } from '@weir/adapters/agent/protocol.js'
import type { Listener } from '@weir/adapters/demo/echo.js'
import type { PodLink } from '@weir/adapters/network/node-network.js'
import type { Digest } from '@weir/core'
import { expect } from 'chai'
import { connectTcpIn, udpSocketIn } from 'netns-napi'
import { type AgentProcess, eventually, pause } from './agent-process.js'
import { AgentSite } from './agent-site.js'
import { echoes } from './echoes.js'
import { actors, listenersOf, nameOf, requireKernel } from './stage.js'

describe('an agent as a process (needs root and eBPF)', function () {
  this.timeout(30_000)
  let site: AgentSite
  let agent: AgentProcess
  let links: ReadonlyMap<string, PodLink>
  let listeners: readonly Listener[] = []

  before(async function () {
    await requireKernel(this)
    site = await AgentSite.create(`a${process.pid}`)
    ;({ agent, links } = site)
    listeners = await Promise.all(listenersOf(links))
  })

  after(async () => {
    await Promise.all(listeners.map(listener => listener.close()))
    await site?.destroy()
  })

  async function reaches(from: string, family: 4 | 6, timeoutMs: number): Promise<boolean> {
    const address = actors[1]!.addresses[family === 4 ? 0 : 1]!
    const socket = await connectTcpIn(links.get(from)!.netnsPath, { address, port: 8080, timeoutMs }).catch(
      () => undefined,
    )
    socket?.destroy()
    return socket !== undefined
  }

  async function expectEnforced(when: string): Promise<void> {
    for (const family of [4, 6] as const) {
      expect(await reaches('red/client', family, 2000), `${when}: red/client, IPv${family}`).to.equal(true)
      expect(await reaches('blue/client', family, 300), `${when}: blue/client, IPv${family}`).to.equal(false)
    }
  }

  it('enforces what the folder says', () => expectEnforced('running'))

  it('is outlived by its programs: while it is down, packets flow and are judged; after a restart its state is the same', async () => {
    const digest = await agent.client.get<Digest>('/v1/digest')
    await agent.end('SIGKILL')
    await expectEnforced('killed')
    await agent.start()
    await expectEnforced('started again')
    expect(await agent.client.get<Digest>('/v1/digest')).to.deep.equal(digest)
    const status = await agent.client.get<StatusReport>('/v1/status')
    expect(status.backend.notes.join()).to.include('taken over')
  })

  it('keeps connections over kill -9, restart and a change of programs, without losing a packet', async () => {
    const flows = await Promise.all(
      [4, 6].map(family => talk(links.get('red/client')!.netnsPath, actors[1]!.addresses[family === 4 ? 0 : 1]!)),
    )
    const before = site.program()
    await agent.end('SIGKILL')
    await pause(300)
    await site.startUpdated()
    await pause(300)
    expect(site.program(), 'programs of the new process').not.to.equal(before)
    for (const flow of flows) {
      const { sent, got, alive } = await flow.stop()
      expect(alive, 'TCP connection').to.equal(true)
      expect(sent).to.be.greaterThan(50)
      expect(got, 'datagrams that came back').to.equal(sent)
    }
  })

  it('ends at SIGTERM with a snapshot, and goes on from it', async () => {
    const { log } = await agent.client.get<StatusReport>('/v1/status')
    expect(await agent.end('SIGTERM')).to.equal(0)
    await agent.start()
    const status = await agent.client.get<StatusReport>('/v1/status')
    expect(status.log.snapshot).to.be.at.least(log.head)
    await expectEnforced('from the snapshot')
  })

  it('goes on when a file breaks: what was in force stays, and it says where the mistake is', async () => {
    writeFileSync(
      join(site.inputs, 'broken.yaml'),
      'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: broken, namespace: red}\nspec:\n  podSelector: {}\n  ingress:\n    - ports: [{port: 99999}]\n',
    )
    writeFileSync(join(site.inputs, 'torn.yaml'), 'kind: [unclosed\n')
    const refused = await eventually(async () => {
      const views = await agent.client.get<readonly PolicyView[]>('/v1/get/policies')
      const found = views.filter(view => view.state === 'refused')
      return found.length === 2 ? found : undefined
    })
    const broken = refused.find(view => view.name === 'broken')!
    expect(broken.problems[0]).to.deep.include({
      file: join(site.inputs, 'broken.yaml'),
      line: 7,
      path: 'spec.ingress[0].ports[0].port',
    })
    expect(refused.find(view => view.name.endsWith('torn.yaml'))!.problems[0]).to.have.property('line')
    await expectEnforced('with broken files')
    writeFileSync(
      join(site.inputs, 'broken.yaml'),
      'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: broken, namespace: blue}\nspec: {podSelector: {}}\n',
    )
    rmSync(join(site.inputs, 'torn.yaml'))
    await eventually(async () => {
      const views = await agent.client.get<readonly PolicyView[]>('/v1/get/policies')
      return views.every(view => view.state === 'in force') && views.some(view => view.namespace === 'blue')
        ? views
        : undefined
    })
  })

  it('follows the folder: a policy that is gone is gone from the packets', async () => {
    const text = site.manifests.split('\n---\n').slice(0, -1).join('\n---\n')
    writeFileSync(join(site.inputs, 'cluster.yaml'), text)
    await eventually(async () => ((await reaches('blue/client', 4, 300)) ? true : undefined))
  })

  it('starts where a pod has gone meanwhile, and forgets its interface', async () => {
    await agent.end('SIGKILL')
    await site.network.removePods([links.get('blue/client')!])
    await agent.start()
    const pods =
      await agent.client.get<readonly { name: string; namespace: string; attached: boolean }[]>('/v1/get/pods')
    expect(pods.filter(each => !each.attached).map(nameOf)).to.deep.equal(['blue/client'])
    expect(await reaches('red/client', 4, 2000)).to.equal(true)
    const status = await agent.client.get<StatusReport>('/v1/status')
    expect(status.reconcile.failing).to.equal(undefined)
  })
})

/** A TCP connection and a stream of datagrams to the echo at 8080 and 5353, until stopped. */
async function talk(
  netns: string,
  address: string,
): Promise<{ stop(): Promise<{ sent: number; got: number; alive: boolean }> }> {
  const socket = await connectTcpIn(netns, { address, port: 8080, timeoutMs: 2000 })
  const datagrams = await udpSocketIn(netns, { address: address.includes(':') ? '::' : '0.0.0.0' })
  let [sent, got] = [0, 0]
  datagrams.on('message', () => {
    got++
  })
  const timer = setInterval(() => {
    sent++
    datagrams.send(String(sent), 5353, address)
  }, 5)
  return {
    stop: async () => {
      clearInterval(timer)
      await pause(200)
      const alive = await echoes(socket)
      socket.destroy()
      datagrams.close()
      return { sent, got, alive }
    },
  }
}
