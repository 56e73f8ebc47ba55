import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Suggestion, suggestPolicy, type SuggestOptions } from '@weir/adapters/suggest/suggest.js'
import { Engine, type EventBody, type EventDraft, type FlowQuery, verdicts } from '@weir/core'
import { diffFacts } from '@weir/adapters/manifests/diff.js'
import { readManifestStream } from '@weir/adapters/manifests/stream.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { engineOf, pod, smallShop } from '../agent/cluster.js'
import { runWeir } from '../cli/run.js'
import { inFolder, inMemory, record, type SeenFlow } from '../flows/recorded.js'

const attached = (namespace: string, name: string, ifindex: number): EventBody => ({
  kind: 'endpoint.attached',
  endpoint: {
    ...{ namespace, pod: name, ifindex, ifname: `veth${ifindex}` },
    ...{ hostMac: '02:00:00:00:00:01', podMac: '02:00:00:00:00:02' },
  },
})
const pods: readonly (readonly [name: string, address: string, namespace: string, app: string])[] = [
  ['web-1', '10.0.0.2', 'shop', 'web'],
  ['web-2', '10.0.0.3', 'shop', 'web'],
  ['cart', '10.0.0.4', 'shop', 'cart'],
  ['db', '10.0.0.5', 'data', 'db'],
  ['report', '10.0.0.6', 'data', 'report'],
]
const outside = ['203.0.113.9', '203.0.113.200']
const otherNode = '10.0.9.1'
/** Nobody isolates anybody: all that is tried passes. */
const site: readonly EventBody[] = [
  ...smallShop.slice(0, 2),
  { kind: 'node.upserted', node: { name: 'n2', labels: {}, addresses: [otherNode], podCidrs: ['10.0.9.0/24'] } },
  ...pods.map(
    ([name, address, namespace, app]): EventBody => ({
      kind: 'pod.upserted',
      pod: pod(name, address, {
        ...{ namespace, workload: `Deployment/${app}`, addresses: [address] },
        labels: { app, team: namespace, 'pod-template-hash': name },
      }),
    }),
  ),
  ...pods.map(([name, , namespace], at) => attached(namespace, name, at + 5)),
]
const everybody = [...pods.map(([, address]) => address), ...outside, otherNode, '10.0.0.1']
const ports = [
  [6, 80],
  [6, 81],
  [17, 53],
] as const
const anyFlow = fc
  .tuple(fc.constantFrom(...everybody), fc.constantFrom(...everybody), fc.constantFrom(...ports))
  .filter(([from, to]) => from !== to)
  .map(([from, to, [protocol, port]]): SeenFlow => ({ from, to, protocol, port, seq: site.length }))

const workloadOf = (address: string): string => pods.find(([, own]) => own === address)?.[3] ?? address

/** What a policy's text makes of a state. */
async function withPolicy(engine: Engine, text: string): Promise<Engine> {
  const stream = (async function* () {
    yield text
  })()
  const { set } = await readManifestStream(stream)
  expect(set.refusals).to.deep.equal([])
  const drafts: readonly EventDraft[] = diffFacts(engine.state, set, { timeMs: 0, owns: () => false })
  expect(drafts).to.have.length(1)
  const after = Engine.restore(engine.snapshot())
  after.apply(drafts.map((each, at) => ({ ...each, seq: engine.seq + 1 + at })))
  return after
}

const options: SuggestOptions = { dialect: 'k8s', directions: ['ingress', 'egress'], blocksMost: 32 }

async function suggested(
  flows: readonly SeenFlow[],
  more: Partial<SuggestOptions> = {},
  events = site,
  word = 'shop/web',
): Promise<Suggestion> {
  const { log, store } = await record({ log: inMemory(), flows: inMemory() }, events, flows)
  try {
    return await suggestPolicy(log, store, {}, word, { ...options, ...more })
  } finally {
    await log.close()
    await store.close()
  }
}

describe('suggesting a policy', function () {
  this.timeout(120_000)

  it('lets through what was seen and nothing else of the workload', async () => {
    const ofWeb = (address: string): boolean => workloadOf(address) === 'web'
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyFlow, { minLength: 1, maxLength: 12 }),
        fc.constantFrom('k8s' as const, 'cilium' as const),
        fc.constantFrom(['ingress', 'egress'] as const, ['ingress'] as const, ['egress'] as const),
        async (flows, dialect, directions) => {
          const { policy, judgement } = await suggested(flows, { dialect, directions })
          if (!flows.some(({ from, to }) => ofWeb(from) || ofWeb(to))) {
            expect(policy).to.equal('')
            return
          }
          expect(judgement.changes).to.deep.equal([])
          const after = await withPolicy(engineOf(site), policy)
          const seen = new Set(
            flows.map(({ from, to, protocol, port }) => `${workloadOf(from)} ${workloadOf(to)} ${protocol} ${port}`),
          )
          for (const from of everybody)
            for (const to of everybody)
              for (const [protocol, port] of ports) {
                if (from === to) continue
                const flow: FlowQuery = { from, to, protocol, port }
                const wasSeen = seen.has(`${workloadOf(from)} ${workloadOf(to)} ${protocol} ${port}`)
                const leaves = ofWeb(from) && directions.some(each => each === 'egress')
                // The pod's own node always reaches it.
                const enters = ofWeb(to) && from !== '10.0.0.1' && directions.some(each => each === 'ingress')
                const expected = wasSeen || (!leaves && !enters)
                expect(after.verdict(flow) === verdicts.allow, JSON.stringify({ flow, policy })).to.equal(expected)
              }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('knows pods that have gone, and those of the workload that have other names', async () => {
    const gone: EventBody = { kind: 'pod.deleted', namespace: 'data', name: 'db' }
    const events: EventBody[] = [
      ...site,
      gone,
      { kind: 'pod.upserted', pod: pod('heir', '10.0.0.5', { labels: { app: 'heir' } }) },
    ]
    const flow = { from: '10.0.0.2', to: '10.0.0.5', protocol: 6, port: 5432, seq: site.length }
    const { policy, flows } = await suggested([flow], {}, events, 'shop/web-2')
    expect(flows).to.equal(1)
    expect(policy).to.equal(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes:
    - Ingress
    - Egress
  ingress: []
  egress:
    - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: data
          podSelector:
            matchLabels:
              app: db
      ports:
        - protocol: TCP
          port: 5432
`)
  })

  it('has words for nodes, blocks, ranges and ICMP in the dialect of Cilium', async () => {
    const at = { seq: site.length, protocol: 6 }
    const flows: SeenFlow[] = [
      { ...at, from: otherNode, to: '10.0.0.2', port: 80 },
      { ...at, from: '10.0.0.1', to: '10.0.0.2', port: 9999 },
      { ...at, from: '10.0.0.3', to: '10.0.0.1', port: 10_250 },
      ...[30_000, 30_001, 30_002, 40_000].map(port => ({ ...at, from: '10.0.0.2', to: outside[0]!, port })),
      { from: '10.0.0.2', to: '10.0.0.5', protocol: 1, port: 8 << 8, seq: site.length },
    ]
    const { policy, judgement, notes } = await suggested(flows, { dialect: 'cilium' })
    expect(judgement.changes).to.deep.equal([])
    expect(notes).to.deep.equal([])
    expect(policy.slice(policy.indexOf('  ingress:'))).to.equal(`  ingress:
    - fromEntities:
        - remote-node
      toPorts:
        - ports:
            - port: "80"
              protocol: TCP
  egress:
    - toEntities:
        - host
      toPorts:
        - ports:
            - port: "10250"
              protocol: TCP
    - toCIDR:
        - 203.0.113.9/32
      toPorts:
        - ports:
            - port: "30000"
              endPort: 30002
              protocol: TCP
            - port: "40000"
              protocol: TCP
    - toEndpoints:
        - matchLabels:
            k8s:io.kubernetes.pod.namespace: data
            app: db
      icmps:
        - fields:
            - family: IPv4
              type: 8
`)
  })

  it('makes nothing of what a pod sends to itself', async () => {
    const own = { from: '10.0.0.2', to: '10.0.0.2', protocol: 6, port: 80, seq: site.length }
    expect(await suggested([own])).to.include({ policy: '', flows: 0 })
  })

  it('knows the addresses that the workload had at the time', async () => {
    const moved: EventBody = {
      kind: 'pod.upserted',
      pod: pod('web-1', '10.0.0.22', { workload: 'Deployment/web', addresses: ['10.0.0.22'], labels: { app: 'web' } }),
    }
    const at = { to: '10.0.0.4', protocol: 6, port: 80 }
    const seen = [
      { ...at, from: '10.0.0.2', seq: site.length },
      { ...at, from: '10.0.0.22', seq: site.length + 1 },
    ]
    expect((await suggested(seen, {}, [...site, moved])).flows).to.equal(2)
  })

  it('counts the pairs that it closes, and leaves the names of other policies alone', async () => {
    const flow = { from: '10.0.0.4', to: '10.0.0.2', protocol: 6, port: 80, seq: site.length }
    const { policy } = await suggested([flow])
    const taken: EventBody = {
      kind: 'networkpolicy.upserted',
      policy: {
        ...{ namespace: 'shop', name: 'web', podSelector: [{ key: 'app', operator: 'In', values: ['cart'] }] },
        ...{ policyTypes: ['egress'], ingress: [], egress: [{ peers: [], ports: [] }] },
      },
    }
    const again = await suggested([{ ...flow, seq: site.length + 1 }], { directions: ['ingress'] }, [...site, taken])
    expect(again.policy).to.include('name: web-2\n')
    expect(policy).to.include('name: web\n')
    // To each of web's pods: from the other one, cart, db, report, a node elsewhere and the world.
    expect(again.closing).to.deep.equal({ closed: 12, wholly: 10, opened: 0 })
  })

  it('tells of flows that it would open again', async () => {
    const deny: EventBody = {
      kind: 'networkpolicy.upserted',
      policy: {
        ...{ namespace: 'shop', name: 'lock', podSelector: [{ key: 'app', operator: 'In', values: ['web'] }] },
        ...{ policyTypes: ['ingress'], ingress: [], egress: [] },
      },
    }
    const flow = { from: '10.0.0.4', to: '10.0.0.2', protocol: 6, port: 80 }
    const flows = [
      { ...flow, seq: site.length },
      { ...flow, seq: site.length + 1 },
    ]
    const { judgement, closing, flows: count } = await suggested(flows, { directions: ['ingress'] }, [...site, deny])
    expect(count).to.equal(1)
    const late = { ...flow, port: 81, seq: site.length + 1, judgedAt: site.length }
    const told = await suggested([...flows, late], { directions: ['ingress'] }, [...site, deny])
    expect(told, 'allowed as the change took effect').to.include({ disputed: 1, flows: 1 })
    expect(told.policy).not.to.include('81')
    expect(judgement.changes.map(({ change, flows: each }) => [change, each])).to.deep.equal([['newly-allowed', 1]])
    expect(closing).to.deep.equal({ closed: 0, wholly: 0, opened: 2 })
  })

  describe('weir suggest', () => {
    let folder: string
    const run = (...words: string[]) => runWeir(['suggest', ...words, '--log', folder])
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'weir-suggest-'))
      const { log, store } = await record(inFolder(folder), site, [
        { from: '10.0.0.2', to: '10.0.0.4', protocol: 6, port: 7070, seq: site.length },
        { from: '10.0.0.4', to: '10.0.0.5', protocol: 1, port: 8 << 8, seq: site.length },
      ])
      await log.close()
      await store.close()
    })
    after(() => rm(folder, { recursive: true, force: true }))

    it('writes what can be put into force, with what it comes to behind it', async () => {
      const { out, code } = await run('shop/web')
      expect(code).to.equal(0)
      expect(out.filter(line => line.startsWith('#'))).to.deep.equal([
        '# made of 1 recorded flow of shop/web that was allowed',
        '# 2 recorded flows judged: 0 would have been cut, 0 newly let through',
        '# now it would close 24 pairs that are open, 22 of them altogether; and open 0',
      ])
      const file = join(folder, 'suggested.yaml')
      await writeFile(file, out.join('\n'))
      const tried = await runWeir(['what-if', '-f', file, '--log', folder, '--since', '2020-01-01', '--fail-on', 'any'])
      expect(tried.code, 'it does close something').to.equal(1)
      expect(tried.out.at(-1)).to.equal('2 recorded flows judged: 0 would have been cut, 0 newly let through')
    })

    it('ends with 1 where the dialect has no words for a flow', async () => {
      const { out, code } = await run('shop/cart')
      expect(code).to.equal(1)
      expect(out.join('\n')).to.include('# a NetworkPolicy has no words for ICMP: --dialect cilium has')
      expect(out.join('\n')).to.include('# would cut  shop/cart → data/db ICMP type 8 code 0: 1 flow,')
      expect((await run('shop/cart', '--dialect', 'cilium')).code).to.equal(0)
      expect((await run('shop/cart', '--ingress')).code, 'what it sends is left alone').to.equal(0)
    })

    it('ends with 1 where nothing was seen', async () => {
      const { out, err, code } = await run('data/report')
      expect({ out, code }).to.deep.equal({ out: [], code: 1 })
      expect(err).to.equal('weir: no flow of data/report was recorded that was allowed')
      expect((await run('shop/web', '--since', '2030-01-01')).code).to.equal(1)
    })

    it('refuses what is no workload', async () => {
      expect((await run('shop/wob')).code).to.equal(5)
      for (const word of ['world', '203.0.113.9', 'team=shop']) expect((await run(word)).code, word).to.equal(2)
      const { out } = await run('shop/web', '-o', 'json')
      expect(JSON.parse(out[0]!)).to.include({ workload: 'shop/web', flows: 1, disputed: 0 })
    })
  })
})
