import { buildFrame } from '@weir/adapters/demo/packets.js'
import { pairMacs } from '@weir/adapters/network/names.js'
import { Engine, type EventBody, type Tables } from '@weir/core'
import { type Backend, createMemoryBackend, Reconciler, VirtualSwitch } from '@weir/datapath'
import { expect } from 'chai'
import { numbered } from '../oracle/generate/history.js'
import { watched } from './watched-maps.js'

const outside = '203.0.113.7'

function pod(name: string, labels: Record<string, string>, ...addresses: readonly string[]): EventBody {
  const rest = { hostNetwork: false, ports: [], serviceAccount: 'default' }
  return { kind: 'pod.upserted', pod: { namespace: 'default', name, labels, node: 'here', addresses, ...rest } }
}

function attached(name: string, ifindex: number): EventBody {
  const { host: hostMac, pod: podMac } = pairMacs(ifindex)
  const endpoint = { namespace: 'default', pod: name, ifindex, ifname: `weir${ifindex}`, hostMac, podMac }
  return { kind: 'endpoint.attached', endpoint }
}

const agent: EventBody = { kind: 'agent.configured', agent: { node: 'here', cluster: 'test', labelFilter: [] } }

/** Pods that stay where they are, by their interfaces. */
type Staying = readonly (readonly [address: string, ifindex: number])[]

let sourcePort = 10_000

/** Sends the first packets of new flows between each of the pods and the outside; all are to pass. */
function expectPass(backend: Backend, staying: Staying, when: string): void {
  for (const [address, ifindex] of staying) {
    const { host, pod: own } = pairMacs(ifindex)
    const net = new VirtualSwitch(backend, to => (to === address ? { ifindex, addresses: [address] } : undefined))
    sourcePort += 1
    const fields = { protocol: 'TCP', sourcePort, destinationPort: 80, flags: 2 } as const
    const out = { ...fields, source: address, destination: outside, sourceMac: own, destinationMac: host }
    const back = { ...fields, source: outside, destination: address, sourceMac: host, destinationMac: own }
    expect(net.fromEndpoint(ifindex, buildFrame(out), outside).kind, `${when}: from ${address}`).to.equal('host')
    expect(net.toAddress(buildFrame(back), address), `${when}: to ${address}`).to.include({ kind: 'endpoint', ifindex })
  }
}

const folded = (...bodies: readonly EventBody[]): Engine => {
  const engine = new Engine()
  engine.fold(numbered([agent, ...bodies]))
  return engine
}

/** Goes from one to the other as an agent does that finds the maps; after each write the pods reach and are reached. */
async function holds(from: Tables, to: Tables, staying: Staying): Promise<Backend> {
  const backend = createMemoryBackend({ maxEntries: { weir_endpoints: 512, weir_rows: 64 } })
  await new Reconciler(backend).start(from)
  let writes = 0
  expectPass(backend, staying, 'at first')
  const maps = watched(backend, () => {
    writes += 1
    expectPass(backend, staying, `after write ${writes}`)
  })
  const seen: Backend = {
    ...backend,
    maps: maps.maps,
    attach: attachment => backend.attach(attachment),
    detach: attachment => backend.detach(attachment),
    attachments: () => backend.attachments(),
    takesFrames: () => false,
  }
  await new Reconciler(seen).start(to)
  expect(writes).above(0)
  return backend
}

describe('law 4 for slots of the endpoints map', () => {
  it('holds when a pod loses one of its addresses and gets other labels at once', async () => {
    const start = [pod('a', {}, '10.0.1.1', 'fd00::1'), attached('a', 2)]
    const [before, after] = [folded(...start), folded(...start, pod('a', { app: 'x' }, '10.0.1.1'))]
    await holds(before.tables, after.tables, [['10.0.1.1', 2]])
  })

  it('holds when pods change their slots, as after a start that numbers them otherwise', async () => {
    const [a, b] = [pod('a', {}, '10.0.1.1'), pod('b', { app: 'x' }, '10.0.1.2')]
    const before = folded(a, attached('a', 2), b, attached('b', 3))
    const after = folded(b, attached('b', 3), a, attached('a', 2))
    const slots = ({ tables }: Engine) => ['10.0.1.1', '10.0.1.2'].map(each => tables.addresses.get(each)?.endpoint)
    expect(slots(before)).to.deep.equal(slots(after).reverse())
    const backend = await holds(before.tables, after.tables, [
      ['10.0.1.1', 2],
      ['10.0.1.2', 3],
    ])
    const wired = [...backend.maps.weir_endpoints.entries()].filter(([, value]) => value.slice(4, 8).some(Boolean))
    expect(wired).to.have.length(2)
    expect([...backend.maps.weir_devices.entries()]).to.have.length(2)
  })

  it('holds for the pod that comes to the slot of one without an interface', async () => {
    const [bare, b] = [pod('bare', { app: 'x' }, '10.0.1.1'), pod('b', {}, '10.0.1.2')]
    const [before, after] = [folded(bare, b, attached('b', 3)), folded(b, attached('b', 3), bare)]
    expect(before.tables.addresses.get('10.0.1.2')?.endpoint).to.equal(2)
    expect(after.tables.addresses.get('10.0.1.2')?.endpoint).to.equal(1)
    await holds(before.tables, after.tables, [['10.0.1.2', 3]])
  })

  it('holds for the pod that comes to the slot of one that goes', async () => {
    const [a, b] = [pod('a', {}, '10.0.1.1'), pod('b', {}, '10.0.1.2')]
    const before = folded(a, attached('a', 2), b, attached('b', 3))
    const after = folded(b, attached('b', 3))
    await holds(before.tables, after.tables, [['10.0.1.2', 3]])
  })
})
