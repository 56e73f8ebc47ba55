import type { EventBody } from '@weir/core'
import { expect } from 'chai'
import { serviceBody, sliceBody } from '../datapath/service-cluster.js'
import { makeCgroup, removeCgroup, SocketProcess } from './socket-process.js'
import { policy, requireKernel, Stage } from './stage.js'

const id = `p${process.pid}`

describe('policy and services at the socket (needs root, eBPF and a cgroup 2 hierarchy)', function () {
  this.timeout(30_000)
  const service = { name: 'server', clusterIps: ['10.96.79.1', 'fd96:79::1'], targetPort: 8080 }
  const hosts = service.clusterIps
  const clients = new Map<string, SocketProcess>()
  let stage: Stage | undefined
  let cgroup: string | undefined

  before(async function () {
    await requireKernel(this)
    cgroup = makeCgroup(`weir-${id}`)
    if (cgroup === undefined) return this.skip()
    stage = await Stage.create(id, { cgroup })
    const own = (family: 4 | 6): readonly { readonly address: string }[] => [
      { address: stage!.addressOf('red/server', family) },
    ]
    const bodies: readonly EventBody[] = [
      serviceBody(service),
      sliceBody(service, 'v4', own(4)),
      sliceBody(service, 'v6', own(6)),
    ]
    await stage.agent.submit('test', bodies)
    for (const pod of ['red/client', 'blue/client'])
      clients.set(pod, await SocketProcess.start(cgroup, stage.netnsOf(pod)))
  })

  after(async () => {
    for (const client of clients.values()) await client.end()
    await stage?.close()
    if (cgroup !== undefined) await removeCgroup(cgroup)
  })

  const reaches = async (pod: string, host: string): Promise<string> => {
    const answer = await clients.get(pod)!.ask({ call: 'tcp', host, port: 80 })
    return 'error' in answer ? answer.error : answer.peer
  }

  it('judges pods by the backend that they reach, whatever the address of the service', async () => {
    for (const host of hosts) {
      expect(await reaches('red/client', host)).to.equal(`${host} 80`)
      expect(await reaches('blue/client', host)).to.equal(`${host} 80`)
    }
    await stage!.set([
      policy('red', 'server', {
        podSelector: { matchLabels: { app: 'server' } },
        ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ port: 'web' }] }],
      }),
    ])
    for (const host of hosts) {
      expect(await reaches('red/client', host)).to.equal(`${host} 80`)
      expect(await reaches('blue/client', host)).to.equal('timeout')
    }
  })

  it('judges the client by the port that its backend is reached at, never by the service’s own', async () => {
    const allowing = (port: number) =>
      policy('red', 'client', {
        podSelector: { matchLabels: { app: 'client' } },
        policyTypes: ['Egress'],
        egress: [{ ports: [{ port }] }],
      })
    await stage!.set([allowing(80)])
    for (const host of hosts) expect(await reaches('red/client', host)).to.equal('timeout')
    await stage!.set([allowing(8080)])
    for (const host of hosts) expect(await reaches('red/client', host)).to.equal(`${host} 80`)
  })

  it('means an address of a service by no block that holds it, but by one that holds its backend', async () => {
    const allowing = (...cidrs: readonly string[]) =>
      policy('red', 'client', {
        podSelector: { matchLabels: { app: 'client' } },
        policyTypes: ['Egress'],
        egress: [{ to: cidrs.map(cidr => ({ ipBlock: { cidr } })) }],
      })
    await stage!.set([allowing('10.96.0.0/16', 'fd96::/16')])
    for (const host of hosts) expect(await reaches('red/client', host)).to.equal('timeout')
    await stage!.set([allowing('10.77.0.0/16', 'fd77::/16')])
    for (const host of hosts) expect(await reaches('red/client', host)).to.equal(`${host} 80`)
  })

  it('says in its status where addresses are translated, and how full the maps are', async () => {
    const { backend, tables } = await stage!.agent.status()
    expect(backend.features.sockets).to.equal(`${cgroup} (10 programs)`)
    expect(tables).to.include({ frontends: 2, backends: 2 })
    const entries = Object.fromEntries(backend.maps.map(map => [map.name, map.entries]))
    expect(entries).to.include({ weir_frontends4: 1, weir_frontends6: 1, weir_slots: 2 })
  })
})
