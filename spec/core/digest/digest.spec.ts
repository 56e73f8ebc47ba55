import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import fc from 'fast-check'
import { Engine, type EventBody } from '@weir/core'
import { agent, ipBlock, is, Log, namespace, node, noPod, noPolicy, pod, pods, policy, tcp } from '../log.js'

const names = ['p', 'q', 'r', 's'] as const
const values = ['1', '2'] as const
const labels = fc.record({ app: fc.constantFrom(...values), tier: fc.constantFrom(...values) })

/** The one object of a name as it may be, or its absence. */
const podState = fc.option(
  fc.record({
    labels,
    node: fc.constantFrom('here', 'there'),
    port: fc.constantFrom(80, 81),
    hostNetwork: fc.boolean(),
  }),
)
const peer = fc.oneof(
  fc.constantFrom(...values).map(value => pods(is('app', value))),
  fc.constantFrom(...values).map(value => ({ kind: 'pods', namespaceSelector: [is('team', value)] }) as const),
  fc.constant(pods({ key: 'pod-template-hash', operator: 'Exists', values: [] })),
  fc.constantFrom('10.0.0.0/30', '10.0.0.0/8', '0.0.0.0/0').map(cidr => ipBlock(cidr, '10.0.0.1/32')),
)
const rule = fc.record({
  peers: fc.array(peer, { maxLength: 2 }),
  ports: fc.array(fc.constantFrom(tcp(80), tcp('http'), tcp(1, 90)), { maxLength: 2 }),
})
const policyState = fc.option(
  fc.record({
    podSelector: fc.constantFrom([], [is('tier', '1')]),
    policyTypes: fc.constantFrom(['ingress'], ['egress'], ['ingress', 'egress']) as fc.Arbitrary<
      ('ingress' | 'egress')[]
    >,
    ingress: fc.array(rule, { maxLength: 2 }),
    egress: fc.array(rule, { maxLength: 2 }),
  }),
)

type PodState = typeof podState extends fc.Arbitrary<infer State> ? State : never
type PolicyState = typeof policyState extends fc.Arbitrary<infer State> ? State : never

const podEvent = (name: string, state: PodState): EventBody => {
  if (state === null) return noPod(`a/${name}`)
  const { node: where, port, hostNetwork } = state
  const ports = [{ name: 'http', protocol: 'TCP', port }] as const
  const own = { ...state.labels, 'pod-template-hash': name }
  return pod(`a/${name}`, own, `10.0.0.${names.indexOf(name as 'p')}`, { node: where, ports, hostNetwork })
}
const policyEvent = (name: string, state: PolicyState): EventBody =>
  state === null ? noPolicy(name) : policy(name, state)
const step = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...names), podState).map(([name, state]) => podEvent(name, state)) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom(...names), policyState).map(([name, state]) => policyEvent(name, state)),
  },
  fc.constantFrom(...values).map(value => namespace('a', { team: value })),
  fc.constantFrom(agent(), agent(['tier']), agent([], 'there')),
  fc.constantFrom(node('here', ['10.0.0.3']), node('here', ['10.9.0.1']), {
    kind: 'node.deleted',
    name: 'here',
  } as const),
)
/** What the histories end with: each object is settled once more. */
const ending = fc
  .tuple(fc.array(podState, { minLength: 4, maxLength: 4 }), fc.array(policyState, { minLength: 4, maxLength: 4 }))
  .map(([podStates, policyStates]): EventBody[] => [
    ...podStates.map((state, i) => podEvent(names[i]!, state)),
    ...policyStates.map((state, i) => policyEvent(names[i]!, state)),
    namespace('a', { team: '1' }),
    agent(),
    node('here', ['10.9.0.1']),
  ])

/** All tables, numbers included: a restored engine goes on with those that the kernel has. */
const rowsOf = ({ tables }: Engine) => Object.values(tables).map(table => new Map(table))

const taking = (...peers: readonly (ReturnType<typeof pods> | ReturnType<typeof ipBlock>)[]) => ({
  podSelector: [is('app', '1')],
  ingress: [{ peers, ports: [] }],
})

describe('digest', () => {
  it('is one for one end state, whatever came before and in whatever order', function () {
    this.timeout(60_000)
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30 }),
        fc.array(step, { maxLength: 30 }),
        ending,
        fc.infiniteStream(fc.nat()),
        (a, b, end, order) => {
          const digests = [a, b].map((before, index) => {
            const log = new Log()
            const engine = new Engine()
            for (const body of before) {
              engine.apply(log.add(body))
              if (index === 0) engine.digest()
            }
            const keyed = end.map(body => [index === 0 ? 0 : order.next().value, body] as const)
            for (const [, body] of keyed.sort(([x], [y]) => x - y)) engine.apply(log.add(body))
            const restored = Engine.restore(structuredClone(engine.snapshot()))
            expect(rowsOf(restored)).to.deep.equal(rowsOf(engine))
            return { digest: engine.digest(), restored: restored.digest() }
          })
          expect(digests[1]).to.deep.equal(digests[0])
          expect(digests[0]!.restored).to.deep.equal(digests[0]!.digest)
        },
      ),
      { numRuns: 150 },
    )
  })

  for (const [what, before, after] of [
    ['class of addresses', policy('p', taking(pods(is('app', '1')))), policy('p', taking(pods(is('app', '1', '9'))))],
    [
      'class of prefixes',
      policy('p', taking(ipBlock('20.0.0.0/8'))),
      policy('p', taking(ipBlock('20.0.0.0/8', '30.0.0.0/8'))),
    ],
    ['subject', policy('p', taking(pods(is('app', '7')))), policy('p', taking(pods(is('app', '8'))))],
  ] as const) {
    it(`follows a ${what} that means something else while no row changes`, () => {
      const start = [agent(), pod('a/x', { app: '1' }, '10.0.0.1'), pod('a/y', { app: '2' }, '10.0.0.2')]
      const engine = new Engine()
      const log = new Log()
      engine.apply(log.add(...start, before))
      const earlier = engine.digest()
      const { addresses, endpoints } = engine.apply(log.add(after))
      expect([addresses, endpoints]).to.deep.equal([[], []])
      const fresh = new Engine()
      fresh.apply(new Log().add(...start, after))
      expect(engine.digest()).to.deep.equal(fresh.digest())
      expect(engine.digest().parts.cells).not.to.equal(earlier.parts.cells)
    })
  }

  it('counts each cell: a class that comes into use changes it for subjects that were there', () => {
    const engine = new Engine()
    const log = new Log()
    engine.apply(log.add(agent(), pod('a/x', { app: '1' }, '10.0.0.1'), policy('p', taking(pods(is('app', '2'))))))
    const before = engine.digest().parts.cells
    engine.apply(log.add(pod('a/y', { app: '2' }, '10.0.0.2', { node: 'there' })))
    expect(engine.digest().parts.cells).not.to.equal(before)
    engine.apply(log.add(noPod('a/y')))
    expect(engine.digest().parts.cells).to.equal(before)
  })

  it('differs by a verdict, a label, an address, a policy; and not by wiring', () => {
    const base = [agent(), pod('a/x', { app: '1' }, '10.0.0.1'), policy('p', { ingress: [] })]
    const of = (...bodies: readonly EventBody[]) => {
      const engine = new Engine()
      engine.apply(new Log().add(...base, ...bodies))
      return engine.digest().hex
    }
    const changes = [
      policy('p', { ingress: [{ peers: [], ports: [tcp(80)] }] }),
      pod('a/x', { app: '2' }, '10.0.0.1'),
      pod('a/x', { app: '1' }, '10.0.0.2'),
      pod('a/y', { app: '1' }, '10.0.0.2', { node: 'there' }),
      policy('q', { podSelector: [is('app', '2')] }),
    ]
    expect(new Set([of(), ...changes.map(change => of(change))]).size).to.equal(changes.length + 1)
    const endpoint = { namespace: 'a', pod: 'x', ifindex: 7, ifname: 'v', hostMac: '', podMac: '' }
    expect(of({ kind: 'endpoint.attached', endpoint })).to.equal(of())
  })

  it('keeps nothing until the next digest of what came and went since the last', function () {
    this.timeout(30_000)
    const engine = new Engine()
    const log = new Log()
    engine.apply(log.add(agent(), pod('a/x', { app: '1' }, '10.0.0.1')))
    const before = engine.digest()
    const churn = (rounds: number) => {
      for (let round = 0; round < rounds; round += 1) {
        const labels = { app: `app-${round}` }
        const remote = pod(`a/remote-${round}`, labels, '10.0.9.1', { node: 'there' })
        const local = pod(`a/local-${round}`, labels, '10.0.9.2')
        const blocks = policy(`p-${round}`, taking(ipBlock(`20.0.${round % 256}.0/24`)))
        for (const event of [remote, local, blocks, noPod(`a/remote-${round}`), noPod(`a/local-${round}`)]) {
          engine.apply(log.add(event))
        }
        engine.apply(log.add(noPolicy(`p-${round}`)))
        log.events.fill(log.events[0]!)
      }
      return heapBytes()
    }
    const first = churn(300)
    const perRound = (churn(1500) - first) / 1500
    expect(perRound).to.be.below(1000)
    expect(engine.digest()).to.deep.equal(before)
  })
})

/** Bytes of the heap that are reachable. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}
