import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportIncident } from '@weir/adapters/incident/export.js'
import { WeirError, type WeirEvent } from '@weir/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { nodeAddresses, ownAddresses } from '../../oracle/generate/addresses.js'
import { numbered } from '../../oracle/generate/history.js'
import { mixedHistories } from '../../oracle/generate/mixed.js'
import { pick, podNames } from '../../oracle/generate/names.js'
import { sampling } from '../../oracle/generate/seed.js'
import { allow, pod } from '../agent/cluster.js'
import { listedLog } from './listed-log.js'

const addresses = [...ownAddresses('default', 'a', 0), ...nodeAddresses('here'), '203.0.113.7', '10.0.0.0/8', '::/0']

/** A word for an end: one of the pods that the history speaks of, by its number, or something else. */
const place: fc.Arbitrary<number | string> = fc.oneof(
  { weight: 8, arbitrary: fc.nat(100) },
  { weight: 1, arbitrary: pick(podNames) },
  { weight: 1, arbitrary: pick(['app=x', 'ns=default', 'app in (x,y),ns=dev']) },
  { weight: 2, arbitrary: pick(['world', 'host', 'remote-node', 'kube-apiserver']) },
  { weight: 2, arbitrary: pick(addresses) },
)
const port = pick([':80', ':80/udp', ':79-82', ':http', ''])

function wordOf(drawn: number | string, events: readonly WeirEvent[]): string {
  if (typeof drawn === 'string') return drawn
  const pods = events.flatMap(event => (event.kind === 'pod.upserted' ? [event.pod] : []))
  const pod = pods[drawn % Math.max(1, pods.length)]
  return pod === undefined ? 'default/a' : `${pod.namespace}/${pod.name}`
}

const targetOf = (word: string, asked: string): string =>
  word.includes('::') && asked !== '' ? `[${word}]${asked}` : word + asked

/** Events a second apart, so that a span is a number of them. */
const spaced = (events: readonly WeirEvent[]): readonly WeirEvent[] =>
  events.map(event => (event.kind === 'dns.answered' ? event : { ...event, time: event.seq * 1000 }))

describe('an incident cut from a log', function () {
  this.timeout(300_000)
  let folder = ''
  let number = 0
  const extents = new Map<string, number>()

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-cut-spec-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  for (const isDisguised of [false, true])
    it(`says of the flow what the log says${isDisguised ? ', in other words, too' : ''}`, async () => {
      await fc.assert(
        fc.asyncProperty(
          mixedHistories(60),
          fc.record({ from: place, to: place, port, at: fc.nat(100), span: fc.nat(90) }),
          async (batches, drawn) => {
            const events = spaced(numbered(batches.flat()))
            if (events.length === 0) return
            const around = 1 + (drawn.at % events.length)
            const from = wordOf(drawn.from, events)
            const to = targetOf(wordOf(drawn.to, events), drawn.port)
            const file = join(folder, `${++number}`)
            const options = isDisguised ? { key: Buffer.alloc(32, number), shiftsTimes: number % 2 === 0 } : undefined
            try {
              const incident = { from, to, around, spanMs: drawn.span * 1000 }
              const { origin } = await exportIncident(listedLog(events), incident, file, options)
              extents.set(origin.extent, (extents.get(origin.extent) ?? 0) + 1)
            } catch (error) {
              if (!(error instanceof WeirError) || error.code === 'WEIR_INCIDENT_DIFFERS') throw error
              extents.set(error.code, (extents.get(error.code) ?? 0) + 1)
            }
          },
        ),
        sampling('incidents cut', isDisguised ? 50 : 40),
      )
      expect(extents.get('concerned')).above(0)
    })

  it('is refused, and its file removed, when it leads elsewhere', async () => {
    const events = spaced(
      numbered([
        { kind: 'pod.upserted', pod: pod('web', '10.0.0.2') },
        { kind: 'pod.upserted', pod: pod('db', '10.0.0.3') },
        { kind: 'networkpolicy.upserted', policy: allow('db', 'db', 'web', 80) },
      ]),
    )
    // What it says of the policy is another thing each time.
    let reads = 0
    const log = listedLog(events)
    const fickle: typeof log = Object.assign(Object.create(log), {
      async *read(range: { from?: number; to?: number }) {
        const policy = allow('db', 'db', ++reads % 2 === 0 ? 'web' : 'nobody', 80)
        for await (const batch of log.read(range))
          yield batch.map(event => (event.kind === 'networkpolicy.upserted' ? { ...event, policy } : event))
      },
    })
    const file = join(folder, 'fickle')
    const incident = { from: 'shop/web', to: 'shop/db:80', around: 2, spanMs: 5000 }
    const refusals: unknown[] = []
    for (let skipped = 0; skipped < 2; skipped++) {
      reads = skipped
      refusals.push(
        await exportIncident(fickle, incident, file).then(
          () => 'sound',
          (error: WeirError) => error.code,
        ),
      )
      await rm(file, { force: true })
    }
    expect(refusals).includes('WEIR_INCIDENT_DIFFERS')
    expect(await stat(file).catch(() => undefined)).equals(undefined)
  })
})
