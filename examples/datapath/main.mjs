// A datapath of your own: it takes the deltas of the tables, and judges packets from what it has kept of them.
import { Subject } from 'rxjs'
import { Engine, parseNetworkPolicy, protocolNumbers, stepAt, verdicts, weirPipeline } from '@weir/core'

/** What a program in a kernel, a switch or a proxy would hold: three tables, each changed row by row. */
class Datapath {
  #addresses = new Map()
  #cells = new Map()
  #rows = new Map()
  writes = 0

  /** New rows come before the cells that point to them, and go after those that did. */
  apply({ addresses, cells, rows }) {
    this.#write(this.#rows, rows.filter(isUpsert), row => row.id)
    this.#write(this.#cells, cells, cell => `${cell.subject} ${cell.direction} ${cell.peerClass}`)
    this.#write(this.#addresses, addresses, each => each.address)
    this.#write(
      this.#rows,
      rows.filter(change => !isUpsert(change)),
      row => row.id,
    )
  }

  /** A packet from one pod of the node to another passes if both ends let it. */
  allows({ from, to, protocol, port }) {
    const [source, target] = [this.#addresses.get(from), this.#addresses.get(to)]
    return this.#side(source, 'egress', target, protocol, port) && this.#side(target, 'ingress', source, protocol, port)
  }

  #side({ subject }, direction, { peerClass }, protocol, port) {
    const cell = this.#cells.get(`${subject} ${direction} ${peerClass}`) ?? this.#cells.get(`${subject} ${direction} 0`)
    const { verdict } = stepAt(this.#rows.get(cell.row).steps, (protocol << 16) | port)
    return verdict === verdicts.allow
  }

  #write(table, changes, keyOf) {
    for (const { before, after } of changes) {
      this.writes += 1
      if (after === undefined) table.delete(keyOf(before))
      else table.set(keyOf(after), after)
    }
  }
}

const isUpsert = ({ after }) => after !== undefined

const app = name => ({ podSelector: { matchLabels: { app: name } } })
const policy = parseNetworkPolicy({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'db', namespace: 'shop' },
  spec: { ...app('db'), ingress: [{ from: [app('api')], ports: [{ port: 5432 }] }] },
})

const pod = (name, address) => ({
  kind: 'pod.upserted',
  pod: {
    namespace: 'shop',
    name,
    labels: { app: name },
    serviceAccount: 'default',
    node: 'here',
    addresses: [address],
    hostNetwork: false,
    ports: [],
  },
})

const batches = [
  [{ kind: 'agent.configured', agent: { node: 'here', cluster: 'default', labelFilter: [] } }],
  [pod('api', '10.0.0.1'), pod('web', '10.0.0.2'), pod('db', '10.0.0.3')],
  [{ kind: 'networkpolicy.upserted', policy: policy.right }],
  [{ kind: 'pod.deleted', namespace: 'shop', name: 'web' }, pod('api', '10.0.0.2')],
]

const engine = new Engine()
const datapath = new Datapath()
const events = new Subject()
weirPipeline(events, engine).subscribe(delta => datapath.apply(delta))

let seq = 0
for (const batch of batches) {
  const before = datapath.writes
  events.next(batch.map(body => ({ ...body, seq: ++seq, time: 0, source: 'example' })))
  console.log(`${batch.at(-1).kind}: ${datapath.writes - before} writes`)
  for (const port of [5432, 80]) {
    const flow = { from: '10.0.0.2', to: '10.0.0.3', protocol: protocolNumbers.TCP, port }
    if (!engine.tables.addresses.get(flow.to)) continue
    const answer = datapath.allows(flow)
    if (answer !== (engine.verdict(flow) === verdicts.allow)) throw new Error('the datapath judges otherwise')
    console.log(`  ${flow.from} → ${flow.to}:${port} ${answer ? 'allowed' : 'denied'}`)
  }
}
