import type { EventBody } from '@weir/core'
import type { NetworkPolicyFact } from '@weir/core/event/event.js'
import { EventLog, folderStorage } from '@weir/store'
import { expect } from 'chai'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runWeir } from './run.js'

const start = Date.UTC(2026, 0, 31, 12)
const stepMs = 60_000

const pod = (name: string, address: string): EventBody => ({
  kind: 'pod.upserted',
  pod: {
    namespace: 'shop',
    name,
    labels: { app: name },
    serviceAccount: 'default',
    node: 'n1',
    addresses: [address],
    hostNetwork: false,
    ports: [],
  },
})

const app = (name: string) => [{ key: 'app', operator: 'In' as const, values: [name] }]

const policy = (peers: NetworkPolicyFact['ingress'][number]['peers']): EventBody => ({
  kind: 'networkpolicy.upserted',
  policy: {
    namespace: 'shop',
    name: 'db',
    podSelector: app('db'),
    policyTypes: ['ingress'],
    ingress: [{ peers, ports: [{ protocol: 'TCP', port: 5432 }] }],
    egress: [],
  },
})

const slice = (...addresses: readonly string[]): EventBody => ({
  kind: 'endpointslice.upserted',
  slice: {
    namespace: 'shop',
    name: 'web-1',
    service: 'web',
    endpoints: addresses.map(address => ({ addresses: [address], ready: true, serving: true, terminating: false })),
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
  },
})

const bodies: readonly EventBody[] = [
  { kind: 'agent.configured', agent: { node: 'n1', cluster: 'default', labelFilter: [] } },
  pod('web', '10.0.0.2'),
  pod('cart', '10.0.0.3'),
  pod('db', '10.0.0.4'),
  policy([]),
  {
    kind: 'service.upserted',
    service: {
      namespace: 'shop',
      name: 'web',
      type: 'ClusterIP',
      clusterIps: ['10.96.0.1'],
      selector: {},
      ports: [{ name: '', protocol: 'TCP', port: 80, targetPort: 8080 }],
    },
  },
  slice('10.0.0.2'),
  policy([{ kind: 'pods', podSelector: app('web') }]),
  slice('10.0.0.2', '10.0.0.3'),
  { kind: 'pod.deleted', namespace: 'shop', name: 'cart' },
  { kind: 'networkpolicy.deleted', namespace: 'shop', name: 'db' },
]

describe('events of a log', () => {
  let folder: string
  let at: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-spec-events-'))
    at = join(folder, 'log')
    const holder = { pid: process.pid, command: 'spec', since: 0 }
    const log = await EventLog.open({ storage: folderStorage({ path: at, holder }) })
    for (const [index, body] of bodies.entries())
      await log.append([{ ...body, time: start + index * stepMs, source: `manifests:/shop/${index}.yaml:1` }])
    await log.close()
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const weir = async (...words: string[]): Promise<readonly string[]> => {
    const { code, out, err } = await runWeir(['log', ...words, '--log', at], folder)
    expect(code, err).to.equal(0)
    return out
  }
  const numbers = async (...words: string[]): Promise<readonly number[]> =>
    (await weir(...words, '-o', 'json')).map(line => (JSON.parse(line) as { seq: number }).seq)

  describe('list', () => {
    it('takes numbers and times', async () => {
      expect(await numbers('list', '--from', '3', '--to', '5')).to.deep.equal([3, 4, 5])
      expect(await numbers('list', '--from', '2026-01-31 12:07')).to.deep.equal([9, 10, 11])
      expect(await numbers('list', '--from', '-2m')).to.deep.equal([10, 11])
      expect(await numbers('list', '--to', '2026-01-31T12:01:30Z')).to.deep.equal([1, 2])
    })

    it('selects by kind, object, source and number', async () => {
      expect(await numbers('list', '--kind', 'networkpolicy')).to.deep.equal([5, 8, 11])
      expect(await numbers('list', '--kind', 'networkpolicy.deleted', '--kind', 'pod')).to.deep.equal([2, 3, 4, 10, 11])
      expect(await numbers('list', '--object', 'shop/db')).to.deep.equal([4, 5, 8, 11])
      expect(await numbers('list', '--object', 'web')).to.deep.equal([2, 6])
      expect(await numbers('list', '--object', 'shop/*', '--limit', '2')).to.deep.equal([10, 11])
      expect(await numbers('list', '--source', 'shop/7.yaml')).to.deep.equal([8])
    })

    it('says what each changed in numbers', async () => {
      const lines = await weir('list', '--from', '7', '--to', '10', '--changes')
      expect(lines.map(line => line.trim()).filter(line => !/^\d/.test(line))).to.deep.equal([
        'tables: frontends ~1, selections +1 -1, backends +1',
        'tables: addresses ~1, cells +1 ~1, rows +1',
        'tables: frontends ~1, selections +1 -1, backends +1',
        'tables: addresses -1, endpoints -1',
      ])
      const [one] = await weir('list', '--object', 'shop/cart', '--kind', 'pod.deleted', '--changes', '-o', 'json')
      expect(JSON.parse(one!).tables.addresses).to.deep.equal({ added: 0, changed: 0, removed: 1 })
    })
  })

  describe('grep', () => {
    it('finds a text wherever it stands', async () => {
      expect(await numbers('grep', '10.0.0.3')).to.deep.equal([3, 9])
      expect(await numbers('grep', 'NETWORKPOLICY.deleted')).to.deep.equal([11])
      expect(await numbers('grep', '5432', '--to', '7')).to.deep.equal([5])
    })
  })

  describe('show', () => {
    it('has the object before and after beside each other, and the flows that changed', async () => {
      const lines = await weir('show', '8')
      expect(lines[0]).to.match(/^ +8 {2}2026-01-31T12:07:00.000Z {2}networkpolicy.upserted +shop\/db/)
      expect(lines).to.include('event 5 → event 8')
      expect(
        lines.some(line => /^ +> .*podSelector:$/.test(line)),
        lines.join('\n'),
      ).to.equal(true)
      expect(lines.join('\n')).to.match(/shop\/cart.* → shop\/db : tcp\/5432 {2}allowed → denied/)
      expect(lines.join('\n')).to.match(/by .*\(\/shop\/7.yaml:1\)/)
    })

    it('has the services whose endpoints changed', async () => {
      const lines = await weir('show', '9')
      expect(lines).to.include.members([
        'service shop/web',
        '  + 10.0.0.3:8080/TCP  active',
        'no flow changes its verdict',
      ])
    })

    it('tells of what is gone, and of the first event', async () => {
      expect(await weir('show', '11')).to.include('event 8 → gone')
      expect(await weir('show', '1')).to.include('not there → event 1')
    })

    it('is complete as JSON', async () => {
      const [line] = await weir('show', '8', '-o', 'json')
      const { seq, effect } = JSON.parse(line!)
      expect(seq).to.equal(8)
      expect([effect.before.seq, effect.after.seq]).to.deep.equal([5, 8])
      expect(effect.flows.changes.map(({ change }: { change: string }) => change)).to.deep.equal([
        'newly-denied',
        'newly-denied',
      ])
    })

    it('has no event that isn’t there', async () => {
      expect((await runWeir(['log', 'show', '12', '--log', at], folder)).code).to.equal(5)
    })
  })
})
