import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { judgePast, type PastJudgement } from '@weir/adapters/flows/what-if.js'
import type { EventBody } from '@weir/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { allow, pod, smallShop } from '../agent/cluster.js'
import { runWeir } from '../cli/run.js'
import { draft, inFolder, inMemory, isAllowed, record } from './recorded.js'

const attached = (name: string, ifindex: number): EventBody => ({
  kind: 'endpoint.attached',
  endpoint: {
    ...{ namespace: 'shop', pod: name, ifindex, ifname: `veth${ifindex}` },
    ...{ hostMac: '02:00:00:00:00:01', podMac: '02:00:00:00:00:02' },
  },
})
const start: readonly EventBody[] = [...smallShop, attached('web', 5), attached('cart', 6), attached('db', 7)]
const changes: readonly EventBody[] = [
  { kind: 'networkpolicy.deleted', namespace: 'shop', name: 'cart' },
  { kind: 'networkpolicy.upserted', policy: allow('cart', 'cart', 'db', 8080) },
  { kind: 'networkpolicy.upserted', policy: allow('other', 'cart', 'web', 9090) },
  { kind: 'networkpolicy.deleted', namespace: 'shop', name: 'other' },
  { kind: 'pod.upserted', pod: pod('web', '10.0.0.2', { labels: { app: 'db' } }) },
  { kind: 'pod.upserted', pod: pod('web', '10.0.0.2') },
  { kind: 'pod.deleted', namespace: 'shop', name: 'db' },
  { kind: 'pod.upserted', pod: pod('db', '10.0.0.4') },
]
const anyAsked = fc.record({
  from: fc.constantFrom('10.0.0.2', '10.0.0.4', '203.0.113.9'),
  to: fc.constantFrom('10.0.0.3', '10.0.0.3', '10.0.0.2'),
  protocol: fc.constant(6),
  port: fc.constantFrom(8080, 9090),
})

describe('judging recorded flows under a proposal', function () {
  this.timeout(60_000)

  it('judges each as a fresh engine would at its time, with the proposal on top', async () => {
    const anyChange = fc.constantFrom(...changes)
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyChange, { maxLength: 8 }),
        fc.array(anyAsked, { minLength: 1, maxLength: 4 }),
        fc.constantFrom(...changes.slice(0, 6)),
        async (drawn, flows, proposed) => {
          const events = [...start, ...drawn]
          const asked = [start.length, ...drawn.map((_, at) => start.length + at + 1)].flatMap(seq =>
            flows.map(flow => ({ ...flow, seq })),
          )
          const { log, store } = await record({ log: inMemory(), flows: inMemory() }, events, asked)
          const told = await judgePast(log, store, {}, [draft(proposed)])
          const sums = { cut: 0, let: 0 }
          for (const flow of asked) {
            const history = events.slice(0, flow.seq)
            const [before, after] = [isAllowed(history, flow), isAllowed([...history, proposed], flow)]
            if (before && !after) sums.cut++
            if (!before && after) sums.let++
          }
          const sum = (change: string): number =>
            told.changes.filter(each => each.change === change).reduce((total, { flows: count }) => total + count, 0)
          expect({ cut: sum('newly-denied'), let: sum('newly-allowed') }).to.deep.equal(sums)
          expect(told).to.include({ flows: asked.length, disputed: 0 })
          await log.close()
          await store.close()
        },
      ),
      { numRuns: 60 },
    )
  })

  it('tells ends apart that only the proposal tells apart', async () => {
    const events = [...start, changes[4]!]
    const asked = ['10.0.0.4', '10.0.0.2'].map(from => ({
      ...{ from, to: '10.0.0.3', protocol: 6, port: 8080, seq: events.length },
    }))
    const { log, store } = await record({ log: inMemory(), flows: inMemory() }, events, asked)
    const { changes: told } = await judgePast(log, store, {}, [draft(changes[5]!)])
    expect(told.map(({ change, from, flows }) => [change, from, flows])).to.deep.equal([
      ['newly-allowed', 'shop/web', 1],
    ])
    await log.close()
    await store.close()
  })

  it('is told by what-if --since, with an exit status for pipelines', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weir-what-if-'))
    try {
      const asked = [
        { from: '10.0.0.2', to: '10.0.0.3', protocol: 6, port: 8080, seq: start.length },
        { from: '10.0.0.4', to: '10.0.0.3', protocol: 6, port: 8080, seq: start.length },
      ]
      // The policy has been deleted since, and the pod has gone.
      const events: EventBody[] = [...start, changes[0]!, { kind: 'pod.deleted', namespace: 'shop', name: 'web' }]
      const { log, store } = await record(inFolder(folder), events, asked)
      await log.close()
      await store.close()
      const file = join(folder, 'policy.yaml')
      const policy = (from: string): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: cart, namespace: shop }
spec:
  podSelector: { matchLabels: { app: cart } }
  ingress: [{ from: [{ podSelector: { matchLabels: { app: ${from} } } }] }]
`
      await writeFile(file, policy('db'))
      const words = ['what-if', '-f', file, '--log', folder, '--since', '2020-01-01']
      const { out, code } = await runWeir([...words, '--fail-on', 'newly-denied', '-o', 'json'])
      expect(code).to.equal(1)
      const { recorded } = JSON.parse(out[0]!) as { recorded: PastJudgement }
      expect(recorded.changes.map(({ change, from, to, flows }) => [change, from, to, flows])).to.deep.equal([
        ['newly-denied', 'shop/web', 'shop/cart', 1],
        ['newly-allowed', 'shop/db', 'shop/cart', 1],
      ])
      expect(recorded.changes[0]!.before).to.deep.equal(['NetworkPolicy shop/cart spec.ingress[0]'])
      const text = (await runWeir(words)).out
      expect(text.join('\n')).to.include('would cut  shop/web → shop/cart TCP 8080: 1 flow, 1 packet, last seen 2023-')
      expect(text.at(-1)).to.equal('2 recorded flows judged: 1 would have been cut, 1 newly let through')
      const none = await runWeir([...words.slice(0, 6), '2030-01-01'])
      expect(none.out.at(-1)).to.equal('0 recorded flows judged: 0 would have been cut, 0 newly let through')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
