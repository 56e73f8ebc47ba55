import { fileURLToPath } from 'node:url'
import { type BpfObject, loadObject } from 'ebpf-napi'
import { makeDevices } from '../kernel/packets/devices.js'
import { flags, frame, tcp } from '../kernel/packets/frames.js'
import { machineOf } from '../kernel/packets/kernel-machine.js'
import { type Interfaces, type Typed, typed } from '../kernel/packets/machine.js'
import { a, b, fill, leaving, putCell, putRow, type Step } from '../kernel/packets/world.js'
import { type Bench, type Figure, median } from './bench.js'
import { Closing } from './closing.js'

const objectPath = fileURLToPath(new URL('../../../bpf/out/packet-path.o', import.meta.url))
const manyFlows = 65_536
const rowSteps = [1, 16, 256, 4096] as const
const contextBytes = 192
const ifindexAt = 40

/** One thing to time: a program of an object, on a packet. */
interface Subject {
  readonly name: string
  readonly object: BpfObject
  readonly program: string
  readonly packet: Uint8Array
  readonly ifindex: number
  readonly nanoseconds: number[]
}

const allowedPort = 80
const deniedPort = 81

const packetOf = (family: 4 | 6, port: number): Uint8Array => {
  const [from, to] = family === 4 ? [a.four, b.four] : [a.six, b.six]
  return frame(leaving(a), { from, to }, tcp(0, port, flags.ack, new Uint8Array(20)))
}

/** The bench's own object with a filled world; `flows` ports rotate. */
function load(flows: number, ifindex: Interfaces): { object: BpfObject; machine: Typed } {
  const four = packetOf(4, allowedPort)
  const object = loadObject(objectPath, {
    variables: {
      weir_coarse_clock: 1,
      bench_flows: flows,
      bench_macs: four.slice(0, 12),
      bench_check: new DataView(four.buffer).getUint16(24, true),
    },
  })
  const machine = typed(machineOf(object), ifindex)
  fill(machine)
  return { object, machine }
}

/** Denies and allows by turns, so that every port is a step; the denied port stays denied: what is timed stores nothing. */
function stepsOf(count: number): Step[] {
  if (count === 1) return [{ key: 0, word: 0 }]
  const first = 6 * 0x10000 + deniedPort - Math.min(count - 2, 64)
  return [
    { key: 0, word: 0 },
    ...Array.from({ length: count - 1 }, (_, i) => ({ key: first + i, word: (i + first + 1) % 2 })),
  ]
}

/** Nanoseconds of one run of a program on a packet, as the kernel measures `repeat` of them. */
export function time(subject: Pick<Subject, 'object' | 'program' | 'packet' | 'ifindex'>, repeat: number): number {
  const program = subject.object.programs.get(subject.program)
  if (program === undefined) throw new Error(`no program ${subject.program}`)
  const context = new Uint8Array(contextBytes)
  new DataView(context.buffer).setUint32(ifindexAt, subject.ifindex, true)
  const { durationNs } = program.testRun({ data: subject.packet, context, repeat })
  return durationNs
}

export const bench: Bench = {
  name: 'packet-path',
  summary:
    'ns per packet by test run: established pod to pod, new flows, rows by number of steps; empty program beside',
  options: {
    rounds: { value: 31, help: 'rounds over all subjects, by turns' },
    repeat: { value: 50_000, help: 'packets per subject and round' },
  },
  async run(options, say) {
    const closing = new Closing()
    try {
      const devices = makeDevices()
      closing.add(() => devices.close())
      const open = (flows: number): { object: BpfObject; machine: Typed } => {
        const loaded = load(flows, devices.ifindex)
        closing.add(() => loaded.machine.close())
        return loaded
      }
      const one = open(1)
      const many = open(manyFlows)
      const subject = (name: string, object: BpfObject, program: string, packet: Uint8Array): Subject => ({
        name,
        object,
        program,
        packet,
        ifindex: devices.ifindex.a,
        nanoseconds: [],
      })
      const four = packetOf(4, allowedPort)
      const six = packetOf(6, allowedPort)
      const subjects = [
        subject('empty', one.object, 'bench_empty', four),
        subject('restore4', one.object, 'bench_restore_4', four),
        subject('restore6', one.object, 'bench_restore_6', six),
        subject('restore4Many', many.object, 'bench_restore_4', four),
        subject('restore6Many', many.object, 'bench_restore_6', six),
        subject('established4', one.object, 'bench_packet_4', four),
        subject('established6', one.object, 'bench_packet_6', six),
        subject('established4Many', many.object, 'bench_packet_4', four),
        subject('established6Many', many.object, 'bench_packet_6', six),
        subject('forget4', one.object, 'bench_forget_4', four),
        subject('new4', one.object, 'bench_new_4', four),
        subject('denied4', one.object, 'bench_packet_4', packetOf(4, deniedPort)),
      ]
      for (const steps of rowSteps) {
        const { object, machine } = open(1)
        putCell(machine, b.subject, 1, a.peerClass, putRow(machine, 1000, stepsOf(steps)))
        subjects.push(subject(`row${steps}`, object, 'bench_packet_4', packetOf(4, deniedPort)))
      }
      // Everything is in the tables and the caches before a clock runs; both sides have been heard.
      for (const each of subjects) time(each, manyFlows)
      const repeat = options.number('repeat')
      for (let round = 0; round < options.number('rounds'); round++) {
        for (const each of subjects) each.nanoseconds.push(time(each, repeat))
        if (round % 10 === 0) say(`round ${round + 1}`)
      }
      const raw = new Map(subjects.map(each => [each.name, median(each.nanoseconds)]))
      const ns = (name: string): number => raw.get(name) ?? Number.NaN
      /** What the packet alone costs, test run included: without putting it back as it was. */
      const alone = (name: string, restore: string): number => ns(name) - ns(restore) + ns('empty')
      const figure = (value: number, atMost?: number): Figure =>
        atMost === undefined ? { value, unit: 'ns' } : { value, unit: 'ns', goal: { atMost } }
      const figures: Record<string, Figure> = {
        'empty program': figure(ns('empty')),
        'established IPv4, 1 flow': figure(alone('established4', 'restore4'), 110),
        'established IPv6, 1 flow': figure(alone('established6', 'restore6'), 110),
        [`established IPv4, ${manyFlows} flows`]: figure(alone('established4Many', 'restore4Many')),
        [`established IPv6, ${manyFlows} flows`]: figure(alone('established6Many', 'restore6Many')),
        'new flow, allowed': figure(alone('new4', 'forget4')),
        'new flow, denied': figure(alone('denied4', 'restore4')),
      }
      for (const steps of rowSteps)
        figures[`new flow, denied by a row of ${steps} steps`] = figure(alone(`row${steps}`, 'restore4'))
      for (const [name, value] of raw) figures[`raw ${name}`] = figure(value)
      return {
        workload: {
          packet: 'TCP, 20 bytes of data, pod to pod on one node, policy of both directions, redirect to the peer',
          rounds: options.number('rounds'),
          repeat,
          flows: manyFlows,
        },
        figures,
        ratios: {},
      }
    } finally {
      await closing.close()
    }
  },
}
