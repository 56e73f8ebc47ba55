import { Engine } from '@weir/core'
import type { EventBody, NetworkPolicyFact } from '@weir/core/event/event.js'
import { layout } from '@weir/datapath/layout.generated.js'
import { type Bench, median, timed } from './bench.js'
import { is, localNode, tcp } from './cluster.js'
import { heapBytes } from './scale-live.js'

/**
 * The most cells that pods can make: each remote pod has a label of its own and a policy for it alone, every policy
 * selects all local pods, and no two local pods have the same rules.
 */
export const bench: Bench = {
  name: 'cells',
  summary: 'classes and cells when every pod has a label and a policy of its own, and no local pods are alike',
  options: {
    pods: { value: 1000, help: 'remote pods, each with a policy' },
    local: { value: 110, help: 'pods of this node' },
    rounds: { value: 3, help: 'policies added afterwards, one by one' },
  },
  async run(options) {
    const [pods, local] = [options.number('pods'), options.number('local')]
    const engine = new Engine()
    let seq = 0
    const numbered = (body: EventBody) => ({ ...body, seq: ++seq, time: seq, source: 'bench' })
    const seconds = await timed(() => {
      engine.fold([...worst(pods, local)].map(numbered))
      return engine.tables
    })
    const { addresses, cells, rows } = engine.tables
    const classes = new Set([...addresses].map(([, { peerClass }]) => peerClass)).size
    const { keySize, valueSize, maxEntries } = layout.maps.weir_cells
    const heap = heapBytes()
    const more: number[] = []
    for (let round = 0; round < options.number('rounds'); round += 1) {
      const policy = letting(`more-${round}`, `value-${round}`, 81)
      more.push(await timed(() => engine.apply([numbered({ kind: 'networkpolicy.upserted', policy })])))
    }
    return {
      workload: { pods, local, policies: pods + local },
      figures: {
        'cold start': { value: seconds, unit: 's' },
        classes: { value: classes, unit: 'classes' },
        rows: { value: rows.size, unit: 'rows' },
        cells: { value: cells.size, unit: 'entries' },
        'cells, size': { value: (cells.size * (keySize + valueSize)) / 2 ** 20, unit: 'MiB' },
        'cells that the map holds': { value: maxEntries, unit: 'entries' },
        'heap after the cold start': { value: heap / 2 ** 20, unit: 'MiB' },
        'one more policy of all local pods': { value: median(more) * 1000, unit: 'ms' },
      },
      ratios: { 'cells / (pods × local)': { value: cells.size / (pods * local) } },
    }
  },
}

function* worst(pods: number, local: number): Iterable<EventBody> {
  yield { kind: 'agent.configured', agent: { node: localNode, cluster: 'default', labelFilter: [] } }
  for (let n = 0; n < local; n += 1) yield podUpserted(n, { local: `local-${n}`, kind: 'local' }, localNode)
  for (let n = 0; n < pods; n += 1) yield podUpserted(local + n, { unique: `value-${n}` }, 'node-1')
  for (let n = 0; n < local; n += 1) {
    const own = { ...letting(`own-${n}`, `value-${n}`, 1000 + n), podSelector: [is('local', `local-${n}`)] }
    yield { kind: 'networkpolicy.upserted', policy: own }
  }
  for (let n = 0; n < pods; n += 1) {
    yield { kind: 'networkpolicy.upserted', policy: letting(`policy-${n}`, `value-${n}`, 80) }
  }
}

const podUpserted = (number: number, labels: Readonly<Record<string, string>>, node: string): EventBody => ({
  kind: 'pod.upserted',
  pod: {
    namespace: 'team-0',
    name: `pod-${number}`,
    labels,
    serviceAccount: 'default',
    node,
    addresses: [`10.${96 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`],
    hostNetwork: false,
    ports: [],
  },
})

const letting = (name: string, value: string, port: number): NetworkPolicyFact => ({
  namespace: 'team-0',
  name,
  podSelector: [is('kind', 'local')],
  policyTypes: ['ingress'],
  ingress: [{ peers: [{ kind: 'pods', podSelector: [is('unique', value)] }], ports: [tcp(port)] }],
  egress: [],
})
