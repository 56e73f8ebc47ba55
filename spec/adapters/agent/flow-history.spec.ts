import type { FlowWords } from '@weir/adapters/agent/asked-flows.js'
import { type FlowChange, flowHistory } from '@weir/adapters/agent/flow-history.js'
import { isIP } from 'node:net'
import type { WhyAnswer } from '@weir/adapters/agent/protocol.js'
import { parseTarget } from '@weir/adapters/agent/target.js'
import { why } from '@weir/adapters/agent/why.js'
import { Engine, type EventBody, type Labels, verdicts, WeirError, type WeirEvent } from '@weir/core'
import type { EventLog } from '@weir/store'
import { expect } from 'chai'
import fc from 'fast-check'
import { nodeAddresses, ownAddresses } from '../../oracle/generate/addresses.js'
import { type Batches, configured, numbered } from '../../oracle/generate/history.js'
import { mixedHistories } from '../../oracle/generate/mixed.js'
import { allow, pod as clusterPod } from './cluster.js'
import { namespaceNames, pick, podNames } from '../../oracle/generate/names.js'
import { sampling } from '../../oracle/generate/seed.js'

/** As far as a history reads it. */
const logOf = (events: readonly WeirEvent[]): EventLog =>
  ({
    head: { seq: events.length },
    base: { seq: 0 },
    snapshots: { latest: async () => undefined },
    async *read({ from = 1, to = events.length } = {}) {
      yield events.slice(from - 1, to)
    },
  }) as unknown as EventLog

interface Answered {
  /** As `ChangedFlow` has it: addresses have no other name. */
  readonly from: string
  readonly to: string
  readonly family: 4 | 6
  readonly protocol: number
  readonly port: number
  readonly state: 'allowed' | 'denied'
}

/** What `weir why` says, pair by pair and port by port. */
function answered(engine: Engine, from: string, to: string): readonly Answered[] {
  const { place } = parseTarget(to)
  const all = answersTo(engine, from, to).flatMap(answer => {
    const { family, protocol, explanation } = answer
    const ports = Array.from({ length: answer.lastPort - answer.port + 1 }, (_, at) => answer.port + at)
    const state = explanation.verdict === verdicts.allow ? ('allowed' as const) : ('denied' as const)
    return pairsOf(answer).flatMap(([one, other]) =>
      ports.map(port => {
        const names = { from: isIP(from) === 0 ? one : from, to: isIP(place) === 0 ? other : place }
        const isItself = one === other && !one.startsWith('a pod')
        return { ...names, family, protocol, port, state, isItself }
      }),
    )
  })
  const others = all.filter(({ isItself }) => !isItself)
  return others.length > 0 ? others : all
}

const pairsOf = ({ from, to }: WhyAnswer): readonly (readonly [string, string])[] =>
  (from.members ?? [from.name]).flatMap(one => (to.members ?? [to.name]).map(other => [one, other] as const))

function answersTo(engine: Engine, from: string, to: string): readonly WhyAnswer[] {
  try {
    return why(engine, from, to)
  } catch (error) {
    if (error instanceof WeirError) return []
    throw error
  }
}

const keyOf = ({ from, to, family, protocol, port }: Omit<Answered, 'state'>): string =>
  JSON.stringify([from, to, family, protocol, port])

const stateOf = (flows: readonly Answered[]): ReadonlyMap<string, string> =>
  new Map(flows.map(flow => [keyOf(flow), flow.state]))

/** What changes come to, from a state on. */
function take(states: Map<string, string>, { flows }: FlowChange): void {
  for (const { from, to, before, after, ...flow } of flows)
    for (let { port } = flow; port <= flow.lastPort; port++) {
      const key = keyOf({ ...flow, from: from.name, to: to.name, port })
      expect(states.get(key) ?? 'absent', `${key} before`).equals(before.state)
      if (after.state === 'absent') states.delete(key)
      else states.set(key, after.state)
    }
}

const podName = fc.tuple(pick(namespaceNames), pick(podNames)).map(([namespace, name]) => `${namespace}/${name}`)
const addresses = [...ownAddresses('default', 'a', 0), ...nodeAddresses('here'), '203.0.113.7', '10.0.0.0/8', '::/0']
const place = fc.oneof(
  { weight: 6, arbitrary: podName },
  { weight: 1, arbitrary: pick(podNames) },
  { weight: 2, arbitrary: pick(['app=x', 'role', 'ns=default', '!app', 'app in (x,y),ns=dev']) },
  { weight: 2, arbitrary: pick(['world', 'host', 'remote-node', 'cluster', 'kube-apiserver', 'world-ipv6']) },
  { weight: 2, arbitrary: pick(addresses) },
)
const port = pick([':80', ':80/udp', ':79-82', ':http', ':8/ICMP', ''])
const target = fc
  .tuple(place, port)
  .map(([text, asked]) => (text.includes('::') && asked !== '' ? `[${text}]${asked}` : text + asked))

async function checkHistory(batches: Batches, from: string, to: string): Promise<void> {
  const events = numbered(batches.flat())
  const changes = new Map<number, FlowChange>()
  try {
    for await (const change of flowHistory(logOf(events), [{ from, to }])) changes.set(change.seq, change)
  } catch (error) {
    if (!(error instanceof WeirError)) throw error
  }
  const engine = new Engine()
  const told = new Map(stateOf(answered(engine, from, to)))
  for (const event of events) {
    engine.apply([event])
    const change = changes.get(event.seq)
    if (change !== undefined) take(told, change)
    const meant = stateOf(answered(engine, from, to))
    expect(sorted(told), `event ${event.seq} ${event.kind}`).deep.equals(sorted(meant))
  }
}

const sorted = (states: ReadonlyMap<string, string>) => [...states].sort(([a], [b]) => (a < b ? -1 : 1))

/** `event before after` of each change, one flow by one. */
async function storyOf(from: string, to: string, ...bodies: readonly EventBody[]): Promise<readonly string[]> {
  const told: string[] = []
  for await (const { seq, flows } of flowHistory(logOf(numbered([configured, ...bodies])), [{ from, to }]))
    for (const { from: source, before, after } of flows)
      told.push(`${seq} ${source.name} ${before.state} ${after.state}`)
  return told
}

const pod = (namespace: string, name: string, address: string): EventBody => ({
  kind: 'pod.upserted',
  pod: clusterPod(name, address, { namespace, addresses: [address], node: 'here' }),
})
const noPod = (namespace: string, name: string): EventBody => ({ kind: 'pod.deleted', namespace, name })
const labelled = (labels: Labels): EventBody => ({ kind: 'namespace.upserted', namespace: { name: 'b', labels } })
const isolating: EventBody = { kind: 'networkpolicy.upserted', policy: allow('isolate', 'db', 'nobody', 80) }
const db = pod('shop', 'db', '10.0.0.2')

describe('the history of a flow', function () {
  this.timeout(180_000)

  it('comes to what why says after every event, whomever words mean', async () => {
    await fc.assert(
      fc.asyncProperty(mixedHistories(30), place, target, checkHistory),
      sampling('histories of flows', 150),
    )
  })

  it('has the time while a pod is not there', async () => {
    const told = await storyOf(
      'shop/web',
      'shop/db:80',
      db,
      pod('shop', 'web', '10.0.0.1'),
      isolating,
      noPod('shop', 'web'),
      pod('shop', 'web', '10.0.0.3'),
      noPod('shop', 'db'),
    )
    expect(told).deep.equals([
      '3 shop/web absent allowed',
      '4 shop/web allowed denied',
      '5 shop/web denied absent',
      '6 shop/web absent denied',
      '7 shop/web denied absent',
    ])
  })

  it('follows whom labels mean, of pods and of namespaces', async () => {
    const key = 'k8s:io.cilium.k8s.namespace.labels.team'
    const told = await storyOf(
      `${key}=x`,
      'shop/db:80',
      db,
      pod('b', 'web', '10.0.0.1'),
      labelled({ team: 'x' }),
      labelled({ team: 'y' }),
    )
    expect(told.filter(line => line.includes('b/web'))).deep.equals([
      '4 b/web absent allowed',
      '5 b/web allowed absent',
    ])
  })

  it('takes one word for both ends for two pods of its kind', async () => {
    const told = await storyOf('app=db,ns=shop', 'app=db,ns=shop:80', labelled({}), isolating)
    expect([...new Set(told)]).deep.equals(['3 a pod with app=db in shop allowed denied'])
  })

  it('tells many flows in one pass, each as it is told alone', async () => {
    const events = numbered([
      configured,
      db,
      pod('shop', 'web', '10.0.0.1'),
      pod('shop', 'api', '10.0.0.3'),
      isolating,
      noPod('shop', 'api'),
    ])
    const questions = ['shop/web', 'shop/api', 'shop/nobody'].map(from => ({ from, to: 'shop/db:80' }))
    const read = async (words: readonly FlowWords[]): Promise<readonly string[]> => {
      const told: string[] = []
      for await (const { seq, flows } of flowHistory(logOf(events), words))
        for (const { from, after } of flows) told.push(`${seq} ${from.name} ${after.state}`)
      return told
    }
    const alone = [...(await read([questions[0]!])), ...(await read([questions[1]!]))]
    expect(await read(questions)).has.members(alone)
    expect(alone).has.length(5)
  })
})
