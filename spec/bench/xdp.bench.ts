import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type BpfObject, loadObject, probe } from 'ebpf-napi'
import { encode } from '../kernel/packets/btf-value.js'
import { of } from '../kernel/packets/fixture.js'
import { address, flags, frame, tcp } from '../kernel/packets/frames.js'
import { machineOf } from '../kernel/packets/kernel-machine.js'
import { layoutOf, type Typed, typed } from '../kernel/packets/machine.js'
import { natKinds, type Pair, putHalf } from '../kernel/packets/nat-world.js'
import { setEntries } from '../kernel/packets/quick.js'
import {
  backendPort,
  far,
  inward,
  mtuBytes,
  near,
  onward,
  protocols,
  serve,
  service,
  servicePort,
  type Who,
} from '../kernel/packets/north-world.js'
import { fill, node, outside } from '../kernel/packets/world.js'
import type { Bench, Figure } from './bench.js'
import { Closing } from './closing.js'

const objectPath = fileURLToPath(new URL('../../../bpf/out/xdp.o', import.meta.url))
const headerBytes = 80
const loopback = 1
const manyFlows = 65_536
/** More than any table holds: each frame is a flow that is not there. */
const everNew = 2 ** 22
/** Of 15 places each: about as many entries as there are flows in rotation elsewhere. */
const fullSets = 4096
const empties = 'empty program'
/** The goals were set where an empty program takes so long. */
const emptyAtGoals = 6
const day = 86_400_000_000_000n
const clientPort = 40_000
const sizes = [
  { services: 10, backends: 100 },
  { services: 1_000, backends: 10_000 },
  { services: 10_000, backends: 100_000 },
] as const

/** One thing to time: a program of an object, on a frame. */
interface Subject {
  readonly name: string
  readonly object: BpfObject
  readonly program: string
  readonly packet: Uint8Array
  /** Of `repeat`: so many times as many frames. */
  readonly times: number
  readonly nanoseconds: number[]
}

interface Loaded {
  readonly object: BpfObject
  readonly machine: Typed
}

const packetOf = (family: 4 | 6, to: Who = service, port = servicePort): Uint8Array => {
  const ends = { from: of(outside, family), to: of(to, family) }
  return frame(inward, ends, tcp(clientPort, port, flags.ack, new Uint8Array(40)))
}

function load(family: 4 | 6, flows: number, each: number, packet: Uint8Array, sets = manyFlows / 2): Loaded {
  const remembered = cpus().length * each || 1
  const object = loadObject(objectPath, {
    maxEntries: {
      [`weir_nat${family}`]: sets,
      [`weir_quick${family}`]: remembered,
      [`weir_quick_tags${family}`]: Math.ceil(remembered / setEntries),
    },
    variables: {
      weir_coarse_clock: 1,
      weir_xdp_unfinished: 0,
      weir_nat_last_port: 29_999,
      [`weir_nat${family}_sets`]: sets,
      [`weir_quick${family}_each`]: each,
      weir_quick_ticks: probe.ticksPerSecond(),
      bench_flows: flows,
      bench_headers: packet.slice(0, headerBytes),
    },
  })
  const machine = typed(machineOf(object), { a: 0, b: 0, c: 0, n: loopback })
  fill(machine)
  serve(machine, [near])
  return { object, machine }
}

/** Halves for flows to the other node's backend from the client's ports that `ports` names. */
function lead(machine: Typed, family: 4 | 6, ports: Iterable<number>): void {
  serve(machine, [far])
  const expires = machine.now() + day
  for (const port of ports) {
    const pair: Pair = {
      protocol: protocols.TCP,
      before: { from: [outside, port], to: [service, servicePort] },
      after: { from: [node, port], to: [far, backendPort] },
      kind: natKinds.nodePort,
      backend: 1,
      hop: { ifindex: loopback, link: onward, mtuBytes },
    }
    putHalf(machine, family, pair, false, expires)
  }
}

/** So many other services and backends beside the one. */
function crowd({ object }: Loaded, services: number, backends: number): void {
  const { key, value } = layoutOf('weir_frontends4')
  const frontends = Array.from({ length: services }, (_, at) => ({
    key: encode(key, {
      address: Uint8Array.of(203, 1, at >> 8, at & 255),
      port: servicePort,
      protocol: protocols.TCP,
      scope: 1,
    }),
    value: encode(value, { first: 16 * (2 + (at % 1000)), count: 16 }),
  }))
  const joined = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))
  object.maps
    .get('weir_frontends4')!
    .updateBatch(joined(frontends.map(each => each.key)), joined(frontends.map(each => each.value)), services)
  const types = layoutOf('weir_backends4')
  const rows = Array.from({ length: backends }, (_, at) =>
    encode(types.value, {
      address: address(`10.${100 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`),
      port: backendPort,
      protocol: protocols.TCP,
    }),
  )
  const indexes = Uint32Array.from(rows, (_, at) => 2000 + at)
  object.maps.get('weir_backends4')!.updateBatch(new Uint8Array(indexes.buffer), joined(rows), backends)
}

function time({ object, program, packet }: Subject, repeat: number): number {
  const found = object.programs.get(program)
  if (found === undefined) throw new Error(`no program ${program}`)
  return found.testRun({ data: packet, repeat }).durationNs
}

export const bench: Bench = {
  name: 'xdp',
  summary: 'ns per frame by test run of the balancer for clients outside; empty program beside',
  options: {
    rounds: { value: 31, help: 'rounds over all subjects, by turns' },
    repeat: { value: 50_000, help: 'frames per subject and round' },
    each: { value: 2 * manyFlows, help: 'flows that a CPU remembers, a power of two from 8 on; 0: none' },
    only: { value: '', help: 'subjects whose name has it' },
    flows: { value: manyFlows, help: 'flows in rotation, a power of two' },
  },
  async run(options, say) {
    const closing = new Closing()
    try {
      const flows = options.number('flows')
      const open = (family: 4 | 6, count: number, packet = packetOf(family), sets?: number): Loaded => {
        const loaded = load(family, count, options.number('each'), packet, sets)
        closing.add(() => loaded.machine.close())
        return loaded
      }
      const subjects: Subject[] = []
      const add = (name: string, { object }: Loaded, program: string, packet: Uint8Array, times = 1): void => {
        subjects.push({ name, object, program, packet, times, nanoseconds: [] })
      }
      const names: [name: string, atMost: number][] = []
      /** A subject, and beside it what putting its frame back costs. */
      const subject = (
        name: string,
        family: 4 | 6,
        goal: number,
        make: () => Loaded,
        { packet = packetOf(family), times = 1 } = {},
      ): void => {
        if (!name.includes(options.text('only'))) return
        const loaded = make()
        add(`restore ${name}`, loaded, `bench_restore_${family}`, packet)
        add(name, loaded, `bench_frame_${family}`, packet, times)
        names.push([name, goal])
      }
      const led = (family: 4 | 6, ports: number[]): Loaded => {
        const loaded = open(family, ports.length)
        lead(loaded.machine, family, ports)
        return loaded
      }
      add(empties, open(4, 1), 'bench_empty', packetOf(4))
      // In rotation as long as what is remembered of a flow for the moment holds several times over.
      const long = { times: Math.ceil((32 * flows) / options.number('repeat')) }
      for (const family of [4, 6] as const) {
        const words = `established IPv${family}`
        subject(`${words}, to another node, 1 flow`, family, 45, () => led(family, [clientPort]))
        subject(`${words}, on this node, 1 flow`, family, 45, () => open(family, 1))
        subject(`${words}, on this node, ${flows} flows`, family, 200, () => open(family, flows), long)
      }
      const ports = Array.from({ length: flows }, (_, port) => port)
      subject(`established IPv4, to another node, ${flows} flows`, 4, 200, () => led(4, ports), long)
      for (const { services, backends } of sizes)
        subject(`new IPv4 flow, table full, ${services} services, ${backends} backends`, 4, 400, () => {
          const loaded = open(4, everNew, packetOf(4), fullSets)
          crowd(loaded, services, backends)
          return loaded
        })
      subject('new IPv6 flow, table full', 6, 400, () => open(6, everNew, packetOf(6), fullSets))
      for (const [what, to, port] of [
        ['another port', service, 5],
        ['a port that flows are given', node, 5000],
        ['the port of a service', node, servicePort],
      ] as const) {
        const packet = packetOf(4, to, port)
        subject(`not a service: ${what}`, 4, 25, () => open(4, 1, packet), { packet })
      }
      // Everything is in the tables and the caches before a clock runs, and the table that is to be full is.
      for (const each of subjects) time(each, 2 * Math.max(flows, 15 * fullSets))
      for (let round = 0; round < options.number('rounds'); round++) {
        for (const each of subjects) each.nanoseconds.push(time(each, each.times * options.number('repeat')))
        if (round % 10 === 0) say(`round ${round + 1}`)
      }
      // Whatever else the machine does only adds to a round.
      const raw = new Map(subjects.map(each => [each.name, Math.min(...each.nanoseconds)]))
      const ns = (name: string): number => raw.get(name) ?? Number.NaN
      const figures: Record<string, Figure> = { [empties]: { value: ns(empties), unit: 'ns' } }
      for (const [name, atMost] of names) {
        const value = ns(name) - ns(`restore ${name}`)
        figures[name] = { value: value + ns(empties), unit: 'ns', goal: { atMost } }
        figures[`${name}, less an empty program`] = { value, unit: 'ns', goal: { atMost: atMost - emptyAtGoals } }
        figures[`putting it back: ${name}`] = { value: ns(`restore ${name}`) - ns(empties), unit: 'ns' }
      }
      return {
        workload: {
          frame: 'TCP, 40 bytes of data; what putting it back costs is taken off',
          rounds: options.number('rounds'),
          repeat: options.number('repeat'),
          flows,
          each: options.number('each'),
        },
        figures,
        ratios: {},
      }
    } finally {
      await closing.close()
    }
  },
}
