import { type Clock, systemClock } from '@weir/adapters/agent/clock.js'
import { createDatapath, type Datapath } from '@weir/adapters/agent/datapath.js'
import type { EventBody, TablesDelta } from '@weir/core'
import { type Backend, codecs, createMemoryBackend } from '@weir/datapath'
import type { BackendMap } from '@weir/datapath/backend.js'
import type { MemoryBackendOptions } from '@weir/datapath/memory/backend.js'
import { expect } from 'chai'
import { ServiceCluster } from '../../datapath/service-cluster.js'

const shop = { name: 'web', clusterIps: ['10.96.0.1'] }
const podOf = (name: string, address: string): EventBody => ({
  kind: 'pod.upserted',
  pod: {
    ...{ namespace: 'shop', name, labels: { app: name }, serviceAccount: 'default', hostNetwork: false, ports: [] },
    ...{ node: 'there', addresses: [address] },
  },
})
const gone = (name: string): EventBody => ({ kind: 'pod.deleted', namespace: 'shop', name })

/** Which calls a map refuses; its others go on. */
interface Refusals {
  deletions: boolean
}

/** The backend whose fellows' map refuses. */
function refusing(backend: Backend, refusals: Refusals): Backend {
  const map = backend.maps.weir_fellows
  const refused = (what: string): never => {
    throw new Error(what)
  }
  const fellows: BackendMap = new Proxy(map, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (refusals.deletions && String(name).startsWith('delete')) refused('EIO')
        return Reflect.apply(value, target, args) as unknown
      }
    },
  })
  const maps = { ...backend.maps, weir_fellows: fellows }
  return new Proxy(backend, {
    get: (target, name) => {
      if (name === 'maps') return maps
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

describe('a change that the tunnels’ maps refuse', () => {
  let datapath: Datapath | undefined
  afterEach(() => datapath?.close())

  async function started(options: MemoryBackendOptions = {}) {
    const cluster = new ServiceCluster(['192.0.2.1'])
    const { engine } = cluster
    cluster.tell(podOf('web', '10.1.0.1'), podOf('db', '10.1.0.2'))
    cluster.service(shop)
    cluster.endpoints(shop, [{ address: '10.1.0.1' }])
    const refusals: Refusals = { deletions: false }
    const memory = createMemoryBackend(options)
    const again: (() => void | Promise<void>)[] = []
    const clock: Clock = {
      ...systemClock,
      every: (_periodMs, work) => {
        again.push(work)
        return { stop: () => {} }
      },
    }
    datapath = createDatapath(
      refusing(memory, refusals),
      { clock, labelsOf: engine.labelsOf, routing: 'vxlan' },
      () => {},
    )
    await datapath.start(engine.tables)
    const enforce = (delta: TablesDelta): Promise<number> => datapath!.apply(delta, engine.tables)
    const backends = (): readonly string[] =>
      [...memory.maps.weir_backends4.entries()]
        .map(([, value]) => codecs.backend4.read(value).address.join('.'))
        .filter(address => address !== '0.0.0.0')
    const peers = (): readonly string[] =>
      [...memory.maps.weir_addr4.entries()].map(([key]) => codecs.address4.read(key).address.join('.')).sort()
    const retry = async (): Promise<void> => {
      for (const work of again.splice(0)) await work()
      await systemClock.nextTurn()
    }
    return { cluster, refusals, enforce, backends, peers, retry }
  }

  const failureOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    )

  it('is made up for by all once they take it, services among them', async () => {
    const { cluster, refusals, enforce, backends, peers, retry } = await started()
    const before = peers()
    refusals.deletions = true
    const left = await failureOf(enforce(cluster.tell(gone('web'))))
    expect(left).to.have.property('code', 'WEIR_DATAPATH_FAILED')
    await failureOf(enforce(cluster.endpoints(shop, [{ address: '10.1.0.2' }])))
    expect(peers(), 'nobody is forgotten who stands for an identity').to.deep.equal(before)
    refusals.deletions = false
    await retry()
    expect([peers(), backends()]).to.deep.equal([before.filter(address => address !== '10.1.0.1'), ['10.1.0.2']])
  })

  it('is made up for with the next one as well', async () => {
    const { cluster, refusals, enforce, backends, peers } = await started()
    refusals.deletions = true
    await failureOf(enforce(cluster.tell(gone('web'))))
    refusals.deletions = false
    expect(await enforce(cluster.endpoints(shop, [{ address: '10.1.0.2' }]))).to.be.greaterThan(0)
    expect(peers()).to.not.include('10.1.0.1')
    expect(backends()).to.deep.equal(['10.1.0.2'])
  })

  it('keeps nothing else from being enforced for want of room', async () => {
    const { cluster, enforce, backends, peers } = await started({ maxEntries: { weir_fellows: 2 } })
    const full = await failureOf(enforce(cluster.tell(podOf('cache', '10.1.0.3'))))
    expect(full).to.have.property('code', 'WEIR_MAP_FULL')
    expect(peers()).to.include('10.1.0.3')
    // One more than there is room for, and one that stands for an identity goes.
    await failureOf(enforce(cluster.tell(podOf('queue', '10.1.0.4'), gone('web'))))
    await failureOf(enforce(cluster.endpoints(shop, [{ address: '10.1.0.2' }])))
    expect(peers()).to.include('10.1.0.4').and.not.include('10.1.0.1')
    expect(backends()).to.deep.equal(['10.1.0.2'])
  })
})
