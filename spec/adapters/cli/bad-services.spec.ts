import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import type { ServiceView, StatusReport } from '@weir/adapters/agent/protocol.js'
import type { EventBody, ServiceFact, ServicePort } from '@weir/core'
import { expect } from 'chai'
import { runWeir } from './run.js'

const port = (more: Partial<ServicePort> = {}): ServicePort => ({
  name: '',
  protocol: 'TCP',
  port: 80,
  targetPort: 8080,
  ...more,
})
const service = (name: string, more: Partial<ServiceFact> = {}): EventBody => ({
  kind: 'service.upserted',
  service: { namespace: 'shop', name, type: 'ClusterIP', clusterIps: [], selector: {}, ports: [port()], ...more },
})
const slice = (name: string, addresses: readonly string[]): EventBody => ({
  kind: 'endpointslice.upserted',
  slice: {
    namespace: 'shop',
    name: `${name}-1`,
    service: name,
    endpoints: addresses.map(address => ({ addresses: [address], ready: true, serving: true, terminating: false })),
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
  },
})
const many = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `10.${100 + (at >>> 16)}.${(at >>> 8) & 255}.${at & 255}`)

describe('services that can’t all have what they ask for', function () {
  this.timeout(60_000)
  let folder: string
  let agent: Agent
  let socket: string

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weir-bad-services-'))
    socket = join(folder, 'agent.sock')
    agent = await createAgent({
      stateFolder: folder,
      socketPath: socket,
      node: 'n1',
      nodeAddresses: ['192.0.2.1'],
      backend: 'memory',
      mapSizes: { weir_slots: 1024, weir_backends4: 16_384 },
      clock: systemClock,
    })
  })
  afterEach(async () => {
    await agent.stop()
    rmSync(folder, { recursive: true })
  })

  const weir = (...words: string[]) => runWeir([...words, '--socket', socket])
  const status = async (): Promise<StatusReport> =>
    JSON.parse((await weir('status', '-o', 'json')).out[0]!) as StatusReport
  const services = async (): Promise<ReadonlyMap<string, ServiceView>> =>
    new Map(
      (JSON.parse((await weir('get', 'services', '-o', 'json')).out[0]!) as ServiceView[]).map(each => [
        each.name,
        each,
      ]),
    )
  const conflictsOf = async (name: string): Promise<readonly string[]> =>
    (await services())
      .get(name)!
      .conflicts.map(
        ({ address, port: number, winner, losers }) =>
          `${address}:${number} ${winner.name} (${winner.kind}) over ${losers.map(each => `${each.name} (${each.kind})`).join()}`,
      )

  it('share no node port: the first by name has it, and both are told', async () => {
    await agent.submit('spec', [
      service('late', { type: 'NodePort', clusterIps: ['10.96.0.2'], ports: [port({ nodePort: 30_080 })] }),
      service('early', { type: 'NodePort', clusterIps: ['10.96.0.1'], ports: [port({ nodePort: 30_080 })] }),
      slice('early', ['10.1.0.1']),
      slice('late', ['10.1.0.2']),
      {
        kind: 'pod.upserted',
        pod: {
          ...{ namespace: 'shop', name: 'host', labels: {}, serviceAccount: 'default', node: 'n1', ports: [] },
          addresses: ['10.1.0.9'],
          hostNetwork: false,
          hostPorts: [{ protocol: 'TCP', port: 30_080, containerPort: 80 }],
        },
      },
    ])
    const said = ['192.0.2.1:30080 early (nodePort) over late (nodePort),host (hostPort)']
    expect(await conflictsOf('early')).deep.equals(said)
    expect(await conflictsOf('late')).deep.equals(said)
    expect((await status()).frontendConflicts).equals(1)
    const { out } = await weir('why', 'world', '192.0.2.1:30080')
    expect(out[0]).includes('service shop/early')
    const text = (await weir('status')).out.join('\n')
    expect(text).includes('1 address is claimed more than once: weir get services')
  })

  it('take absurd weights of nobody', async () => {
    await agent.submit('spec', [service('web', { clusterIps: ['10.96.0.1'] }), slice('web', ['10.1.0.1', '10.1.0.2'])])
    for (const weight of ['65536', '-1', '1e3', 'NaN', '0x10', '1.5']) {
      const { code, err } = await weir('backend', '10.1.0.1:8080/TCP', 'active', `--weight=${weight}`)
      expect([weight, code]).deep.equals([weight, 2])
      expect(err).match(/weight|whole number/i)
    }
    const { code } = await weir('backend', '10.1.0.1:8080/TCP', 'active', '--weight=65535')
    expect(code).equals(0)
    const [first] = (await services()).get('web')!.frontends
    expect(first?.backends).has.length(2)
    const why = (await weir('why', 'world', 'svc/web', '-o', 'json')).out[0]!
    expect(why, 'the node has the address that stands for the world elsewhere').includes('notThere')
  })

  it('with more backends than the maps hold are told as that, and the others keep working', async () => {
    await agent.submit('spec', [service('web', { clusterIps: ['10.96.0.1'] }), slice('web', ['10.1.0.1', '10.1.0.2'])])
    expect((await status()).backend.shortages).deep.equals([])
    await agent.submit('spec', [service('huge', { clusterIps: ['10.96.0.2'] }), slice('huge', many(20_000))])
    const report = await status()
    const [shortage] = report.backend.shortages
    expect(shortage?.map).match(/weir_(?:slots|backends4)/)
    expect(shortage).deep.include({ services: 1, examples: ['shop/huge'] })
    expect(report.reconcile.failing).equals(undefined)
    expect((await weir('status')).out.join('\n'))
      .includes(shortage!.map)
      .includes('what they had stays')
    expect((await services()).get('huge')!.endpoints).deep.equals({ active: 20_000, all: 20_000 })
    const entries = (map: string): number => report.backend.maps.find(({ name }) => name === map)!.entries
    expect(entries('weir_frontends4')).greaterThan(0)
    const why = await weir('why', '10.9.9.9', '10.96.0.2:80')
    expect(why.code).equals(0)
    const asked = await weir('why', 'host', '10.96.0.2:80')
    expect(asked.out.join('\n'))
      .includes('goes to any of 20000 backends')
      .includes('and 19960 more')
      .includes("policies weren't asked about 19744 more backends")
    await agent.submit('spec', [slice('huge', ['10.2.0.1'])])
    expect((await status()).backend.shortages).deep.equals([])
  })
})
