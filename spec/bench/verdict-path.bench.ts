import { fileURLToPath } from 'node:url'
import { type BpfObject, loadObject, readLayout } from 'ebpf-napi'
import { makeDevices } from '../kernel/packets/devices.js'
import { flags, frame, tcp } from '../kernel/packets/frames.js'
import { a, b, leaving } from '../kernel/packets/world.js'
import { type Bench, type Figure, median } from './bench.js'
import { Closing } from './closing.js'
import type { ClusterSize } from './cluster.js'
import { closedPort, LoadedNode, type MeasuredPod, openPort } from './loaded-node.js'
import { time } from './packet-path.bench.js'

const objectOf = (name: string): string => fileURLToPath(new URL(`../../../bpf/out/${name}.o`, import.meta.url))
/** Lookups that one run of a `bench_lookup_*` program makes. */
const callsPerRun = 8
const looked = [
  'addr4',
  'pfx4',
  'cells',
  'rows',
  'endpoints',
  'nat4',
  'pair_seed',
  'pair_scratch',
  'frontends4',
  'counters',
  'tallies',
  'budgets',
] as const

const macText = (mac: Uint8Array): string => [...mac].map(byte => byte.toString(16).padStart(2, '0')).join(':')
const packetOf = (port: number): Uint8Array =>
  frame(leaving(a), { from: a.four, to: b.four }, tcp(0, port, flags.ack, new Uint8Array(20)))

/** A size of cluster as large as its policies ask for. */
const sizeFor = (policies: number, pods: number): ClusterSize => ({
  pods,
  nodes: 100,
  identities: Math.max(50, Math.min(5000, policies)),
  policies,
  namespaces: Math.max(5, Math.ceil(policies / 20)),
  cidrs: Math.ceil(policies / 5),
  local: 110,
})

/** Something to time, by turns with all others. */
interface Subject {
  readonly object: BpfObject
  readonly program: string
  readonly packet: Uint8Array
  readonly ns: number[]
}

/** Programs of one node's tables, on the maps that the reconciler wrote. */
class Loaded {
  readonly subjects = new Map<string, Subject>()
  readonly #node: LoadedNode
  readonly #closing: Closing
  readonly #ifindex: number

  constructor(node: LoadedNode, ifindex: number, closing: Closing) {
    this.#node = node
    this.#ifindex = ifindex
    this.#closing = closing
  }

  open(name: string, flows: number): BpfObject {
    const packet = packetOf(openPort)
    const { engine } = this.#node
    const [client, server] = [engine.tables.addresses.get(a.four)!, engine.tables.addresses.get(b.four)!]
    const cell = this.#node.cellOf(server.subject, client.peerClass)
    const object = loadObject(objectOf(name), {
      pins: this.#node.pins,
      variables: {
        weir_coarse_clock: 1,
        bench_flows: flows,
        bench_macs: packet.slice(0, 12),
        bench_check: new DataView(packet.buffer).getUint16(24, true),
        bench_address: new DataView(Uint8Array.from(b.four.split('.').map(Number)).buffer).getUint32(0, true),
        bench_subject: server.subject,
        bench_class: client.peerClass,
        bench_row: cell.first,
        bench_slot: cell.slot,
      },
    })
    this.#closing.add(() => object.close())
    return object
  }

  add(title: string, object: BpfObject, program: string, port = openPort): void {
    this.subjects.set(title, { object, program, packet: packetOf(port), ns: [] })
  }

  /** Lookups in each map that one packet makes, by a build that counts them. */
  lookups(program: string, port: number): ReadonlyMap<string, number> {
    const object = this.open('packet-path-counted', 1)
    const counts = object.maps.get('.bss.lookups')!
    const read = (): ReadonlyMap<string, number> => countsIn(counts.lookup(new Uint8Array(4))!)
    const run = (): void => void time({ object, program, packet: packetOf(port), ifindex: this.#ifindex }, 1)
    run()
    const before = read()
    run()
    return new Map([...read()].map(([name, count]) => [name, count - (before.get(name) ?? 0)]))
  }
}

export const bench: Bench = {
  name: 'verdict-path',
  summary: 'ns per packet with 10, 1,000 and 10,000 policies in force, new, denied and established; and of each map',
  options: {
    policies: { value: '10,1000,10000', help: 'numbers of policies, a cluster for each' },
    pods: { value: 20_000, help: 'pods of each cluster' },
    flows: { value: '1,1024,65536', help: 'numbers of established flows, powers of two' },
    rounds: { value: 15, help: 'rounds over all subjects, by turns' },
    repeat: { value: 20_000, help: 'packets per subject and round' },
  },
  async run(options, say) {
    const closing = new Closing()
    try {
      const devices = makeDevices()
      closing.add(() => devices.close())
      const pair: readonly [MeasuredPod, MeasuredPod] = [
        { name: 'client', address: a.four, ifindex: devices.ifindex.a, ...macs(a) },
        { name: 'server', address: b.four, ifindex: devices.ifindex.b, ...macs(b) },
      ]
      const flowCounts = options.text('flows').split(',').map(Number)
      const clusters: { policies: number; loaded: Loaded; node: LoadedNode }[] = []
      for (const policies of options.text('policies').split(',').map(Number)) {
        say(`loading ${policies} policies`)
        const node = await LoadedNode.create(sizeFor(policies, options.number('pods')), pair, closing)
        const loaded = new Loaded(node, devices.ifindex.a, closing)
        const one = loaded.open('packet-path', 1)
        loaded.add('empty', one, 'bench_empty')
        loaded.add('restore', one, 'bench_restore_4')
        loaded.add('forget', one, 'bench_forget_4')
        loaded.add('new', one, 'bench_new_4')
        loaded.add('denied', one, 'bench_packet_4', closedPort)
        loaded.add('insert ct4', one, 'bench_insert_ct4')
        loaded.add('delete ct4', one, 'bench_delete_ct4')
        for (const map of looked) loaded.add(`lookup ${map}`, one, `bench_lookup_${map}`)
        for (const flows of flowCounts) {
          const object = flows === 1 ? one : loaded.open('packet-path', flows)
          loaded.add(`established ${flows}`, object, 'bench_packet_4')
          loaded.add(`restore ${flows}`, object, 'bench_restore_4')
          loaded.add(`key ${flows}`, object, 'bench_flow_key')
          loaded.add(`lookup ct4 ${flows}`, object, 'bench_lookup_ct4')
        }
        clusters.push({ policies, loaded, node })
      }
      const repeat = options.number('repeat')
      const all = clusters.flatMap(({ loaded }) => [...loaded.subjects.values()])
      const ifindex = devices.ifindex.a
      // Every flow is known, every table in the caches, before a clock runs.
      for (const subject of all) time({ ...subject, ifindex }, Math.max(...flowCounts))
      for (let round = 0; round < options.number('rounds'); round += 1) {
        for (const subject of all) subject.ns.push(time({ ...subject, ifindex }, repeat))
        say(`round ${round + 1}`)
      }
      const figures: Record<string, Figure> = {}
      const newFlow: number[] = []
      for (const { policies, loaded, node } of clusters) {
        const raw = (title: string): number => median(loaded.subjects.get(title)!.ns)
        const alone = (title: string, restore: string): number => raw(title) - raw(restore) + raw('empty')
        const put = (title: string, value: number, unit = 'ns'): void => {
          figures[`${policies.toLocaleString('en')} policies, ${title}`] = { value, unit }
        }
        put('cells', node.engine.tables.cells.size, 'entries')
        put('empty program', raw('empty'))
        put('new flow, allowed', alone('new', 'forget'))
        newFlow.push(alone('new', 'forget'))
        put('new flow, denied', alone('denied', 'restore'))
        for (const flows of flowCounts)
          put(
            `established, ${flows.toLocaleString('en')} flows`,
            alone(`established ${flows}`, flows === 1 ? 'restore' : `restore ${flows}`),
          )
        const cost = new Map<string, number>(
          looked.map(map => [`weir_${map}`, (raw(`lookup ${map}`) - raw('restore')) / callsPerRun]),
        )
        cost.set('weir_ct4', raw('lookup ct4 1') - raw('key 1'))
        for (const [map, value] of cost) put(`a lookup of ${map}`, value)
        put('an insertion into weir_ct4', raw('insert ct4') - raw('delete ct4'))
        for (const flows of flowCounts)
          if (flows > 1)
            put(
              `a lookup of weir_ct4 among ${flows.toLocaleString('en')}`,
              raw(`lookup ct4 ${flows}`) - raw(`key ${flows}`),
            )
        for (const [title, program, port] of [
          ['new flow, allowed', 'bench_new_4', openPort],
          ['new flow, denied', 'bench_packet_4', closedPort],
          ['established', 'bench_packet_4', openPort],
        ] as const)
          for (const [map, calls] of loaded.lookups(program, port))
            if (calls > 0) put(`${title}, of that ${map} (${calls} lookups)`, calls * (cost.get(map) ?? Number.NaN))
      }
      return {
        workload: {
          packet: 'TCP, 20 bytes of data, pod to pod on one node, policy of both directions, redirect to the peer',
          pods: options.number('pods'),
          rounds: options.number('rounds'),
          repeat,
        },
        figures,
        ratios: {
          'new flow, most policies / fewest': { value: newFlow.at(-1)! / newFlow[0]!, goal: { atMost: 1.25 } },
        },
      }
    } finally {
      await closing.close()
    }
  },
}

const countedType = readLayout(objectOf('packet-path-counted')).types.bench_calls

/** The members of a `struct bench_calls`. */
function countsIn(bytes: Uint8Array): ReadonlyMap<string, number> {
  if (countedType?.kind !== 'struct') throw new TypeError('packet-path-counted.o has no struct bench_calls')
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return new Map(countedType.members.map(({ name, offsetBits }) => [name, view.getUint32(offsetBits / 8, true)]))
}

const macs = (pod: typeof a) => ({ hostMac: macText(pod.host), podMac: macText(pod.pod) })
