import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FlowRecord } from '@weir/adapters/agent/protocol.js'
import { type TopField, type TopFlows, topFields, topFlows, topMetrics } from '@weir/adapters/flows/top.js'
import type { EventBody } from '@weir/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { pod, smallShop } from '../agent/cluster.js'
import { runWeir } from '../cli/run.js'
import { inFolder, record, recordedMs } from './recorded.js'

const end = (address: string, port?: number): FlowRecord['source'] => ({
  ...{ address, identity: 0, labels: [] },
  ...(port !== undefined && { port }),
})
const flow = (given: Partial<FlowRecord> = {}): FlowRecord => ({
  ...{ time: 5, verdict: 'allowed', reason: '', protocol: 'TCP', causes: [], sizeBytes: 60, packets: 1 },
  ...{ source: end('10.0.0.2'), destination: end('10.0.0.3', 80), traffic_direction: 'ingress', isReply: false },
  ...given,
})
const anyFlow = fc
  .record({
    source: fc.constantFrom(end('a'), end('b'), end('c')),
    destination: fc.constantFrom(end('a', 80), end('b', 443)),
    packets: fc.integer({ min: 1, max: 9 }),
    sizeBytes: fc.integer({ min: 0, max: 99 }),
    verdict: fc.constantFrom('allowed' as const, 'denied' as const),
  })
  .map(flow)

async function* stream(flows: readonly FlowRecord[]): AsyncGenerator<FlowRecord> {
  yield* flows
}
const names = async (by: TopField, ...flows: FlowRecord[]): Promise<string[]> =>
  (await topFlows(stream(flows), { by, metric: 'flows', limit: 99 })).rows.map(({ name }) => name)

describe('flows taken together', () => {
  it('come to sums that leave nothing out, the largest first', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyFlow),
        fc.constantFrom(...topFields.filter(by => by !== 'endpoint')),
        fc.constantFrom(...topMetrics),
        fc.integer({ min: 1, max: 4 }),
        async (flows, by, metric, limit) => {
          const all = await topFlows(stream(flows), { by, metric, limit: 99 })
          const sizes = all.rows.map(row => row[metric])
          expect(sizes).to.deep.equal([...sizes].sort((a, b) => b - a))
          for (const each of topMetrics)
            expect(all.rows.reduce((sum, row) => sum + row[each], 0)).to.equal(all.total[each])
          expect(all.total).to.deep.equal({
            packets: flows.reduce((sum, { packets = 0 }) => sum + packets, 0),
            bytes: flows.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0),
            flows: flows.length,
          })
          const few = await topFlows(stream(flows), { by, metric, limit })
          expect(few.rows).to.deep.equal(all.rows.slice(0, limit))
          expect(few.left).to.equal(Math.max(0, all.rows.length - limit))
        },
      ),
    )
  })

  it('count for both ends by endpoint, once for one that is both', async () => {
    const top = await topFlows(stream([flow(), flow({ source: end('10.0.0.3') })]), {
      ...{ by: 'endpoint', metric: 'packets', limit: 9 },
    })
    expect(top.rows.map(({ name, packets }) => [name, packets])).to.deep.equal([
      ['10.0.0.3', 2],
      ['10.0.0.2', 1],
    ])
    expect(top.total.packets).to.equal(2)
    const times = [flow({ time: 7 }), flow({ time: 4, lastTime: 9 }), flow({ time: 6 })]
    const [row] = (await topFlows(stream(times), { by: 'pair', metric: 'flows', limit: 1 })).rows
    expect(row).to.include({ firstMs: 4, lastMs: 9 })
  })

  it('are of the end that opened them, for replies too', async () => {
    const reply = flow({ source: end('10.0.0.3', 80), destination: end('10.0.0.2'), isReply: true })
    expect(await names('pair', flow(), reply)).to.deep.equal(['10.0.0.2 → 10.0.0.3'])
    expect(await names('port', flow(), reply)).to.deep.equal(['80/TCP'])
    const service = { namespace: 'shop', name: 'cart' }
    const told = [flow({ destination_service: service }), { ...reply, source_service: service }]
    expect(await names('service', ...told, flow())).to.deep.equal(['shop/cart', ''])
  })

  it('have the names of what they are taken together by', async () => {
    const ping = flow({ protocol: 'ICMP', detail: 'type 8 code 0', destination: end('10.0.0.3') })
    const denied = flow({ verdict: 'denied', reason: 'Policy denied' })
    const tunnel = flow({ protocol: '47', destination: end('10.0.0.3', 0) })
    expect(await names('port', ping, tunnel)).to.deep.equal(['47', 'ICMP type 8 code 0'])
    expect(await names('verdict', denied, denied, ping)).to.deep.equal(['denied (Policy denied)', 'allowed'])
  })

  it('are told by weir flows top, of those that a filter chooses', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weir-top-'))
    try {
      const events: EventBody[] = [
        ...smallShop,
        { kind: 'pod.deleted', namespace: 'shop', name: 'web' },
        { kind: 'pod.upserted', pod: pod('heir', '10.0.0.2', { labels: { app: 'web' } }) },
      ]
      const at = { to: '10.0.0.3', protocol: 6, port: 8080 }
      const { log, store } = await record(inFolder(folder), events, [
        { ...at, from: '10.0.0.2', seq: smallShop.length, packets: 3 },
        { ...at, from: '10.0.0.2', seq: events.length },
        { ...at, from: '10.0.0.4', seq: events.length, packets: 2 },
        { from: '10.0.0.3', to: '203.0.113.9', protocol: 17, port: 53, seq: events.length },
      ])
      await log.close()
      await store.close()
      const run = (words: string) => runWeir(['flows', 'top', '--log', folder, ...words.split(' ').filter(Boolean)])
      const told = async (words: string): Promise<TopFlows> =>
        JSON.parse((await run(`${words} -o json`)).out[0]!) as TopFlows
      const pairs = await told('')
      expect(pairs.rows.map(({ name, packets, flows }) => [name, packets, flows])).to.deep.equal([
        ['shop/web → shop/cart', 3, 1],
        ['shop/db → shop/cart', 2, 1],
        ['shop/cart → 203.0.113.9', 1, 1],
        ['shop/heir → shop/cart', 1, 1],
      ])
      expect(pairs.rows[0]).to.include({ bytes: 180, lastMs: recordedMs + smallShop.length })
      const ports = await told('--by port --metric flows --from-namespace shop')
      expect(ports.rows.map(({ name }) => name)).to.deep.equal(['8080/TCP', '53/UDP'])
      expect((await told('--since 2030-01-01')).total.flows).to.equal(0)
      expect((await told('--not --to-pod cart --limit 1')).left).to.equal(0)
      const { out, code } = await run('--by endpoint --limit 1')
      expect(code).to.equal(0)
      expect(out[0]).to.match(/^ENDPOINT +PACKETS +BYTES +FLOWS +SHARE +LAST SEEN$/)
      expect(out[1]).to.match(/^shop\/cart +7 +420 +4 +100\.0 % +2023-/)
      expect(out[2]).to.equal('4 more rows; 4 flows, 7 packets and 420 bytes that were told of')
      expect((await run('--by colour')).code).to.equal(2)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
