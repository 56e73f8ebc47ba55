import { fileURLToPath } from 'node:url'
import { type BpfObject, loadObject } from 'ebpf-napi'
import { makeDevices } from '../kernel/packets/devices.js'
import { type Family, families, of } from '../kernel/packets/fixture.js'
import { inward, outward } from '../kernel/packets/fixtures/host-world.js'
import { flags, frame, tcp } from '../kernel/packets/frames.js'
import { machineOf } from '../kernel/packets/kernel-machine.js'
import { known, masquerading } from '../kernel/packets/leaving-world.js'
import { type Typed, typed } from '../kernel/packets/machine.js'
import { natKinds, type Pair, paired } from '../kernel/packets/nat-world.js'
import { a, b, fill, node, outside, partner } from '../kernel/packets/world.js'
import { type Bench, type Figure, median, type Ratio } from './bench.js'

const objectPath = fileURLToPath(new URL('../../../bpf/out/way-out.o', import.meta.url))
const headerBytes = 72
const contextBytes = 192
const ingressIfindexAt = 36
const ifindexAt = 40

/** Of which the packets both ways are. */
const open: Pair = {
  protocol: 6,
  before: { from: [a, 4000], to: [outside, 80] },
  after: { from: [node, 4000], to: [outside, 80] },
  kind: natKinds.masquerade,
  seconds: 8000,
}

type Who = { readonly four: string; readonly six: string }

interface Subject {
  readonly name: string
  readonly object: BpfObject
  readonly program: 'bench_restore' | 'bench_out' | 'bench_in'
  readonly packet: Uint8Array
  readonly nanoseconds: number[]
}

export const bench: Bench = {
  name: 'way-out',
  summary: "ns per packet of pods' at the node's device by test run: masqueraded, back, and left as they are",
  options: {
    rounds: { value: 31, help: 'rounds over all subjects, by turns' },
    repeat: { value: 50_000, help: 'packets per subject and round' },
  },
  async run(options, say) {
    const devices = makeDevices()
    const opened: Typed[] = []
    const packetOf = (family: Family, isOut: boolean, whom: Who, pod: Who): Uint8Array => {
      const [from, to] = isOut ? [pod, whom] : [whom, pod]
      const [source, destination] = isOut ? [4000, 80] : [80, 4000]
      const ends = { from: of(from, family), to: of(to, family) }
      return frame(isOut ? outward : inward, ends, tcp(source!, destination!, flags.ack, new Uint8Array(40)))
    }
    const subject = (name: string, program: Subject['program'], packet: Uint8Array, isOn = true): Subject => {
      const object = loadObject(objectPath, {
        variables: { weir_coarse_clock: 1, bench_frame: packet.slice(0, headerBytes) },
      })
      const machine = typed(machineOf(object), devices.ifindex)
      opened.push(machine)
      fill(machine)
      if (isOn) masquerading().change(machine)
      if (isOn) for (const family of families) paired(family, open).change(machine)
      return { name, object, program, packet, nanoseconds: [] }
    }
    const time = (
      { object, program, packet }: Pick<Subject, 'object' | 'program' | 'packet'>,
      repeat: number,
    ): number => {
      const context = new Uint8Array(contextBytes)
      const view = new DataView(context.buffer)
      view.setUint32(ifindexAt, devices.ifindex.n, true)
      if (program === 'bench_in') view.setUint32(ingressIfindexAt, devices.ifindex.n, true)
      return object.programs.get(program)!.testRun({ data: packet, context, repeat }).durationNs
    }
    try {
      const subjects = families.flatMap(family => {
        const out = packetOf(family, true, outside, a)
        return [
          subject(`IPv${family}, headers put back`, 'bench_restore', out, false),
          subject(`IPv${family}, out, off`, 'bench_out', out, false),
          subject(`IPv${family}, out, to a pod elsewhere`, 'bench_out', packetOf(family, true, b, a)),
          subject(`IPv${family}, out, to an excluded block`, 'bench_out', packetOf(family, true, known, a)),
          subject(`IPv${family}, out, masqueraded`, 'bench_out', out),
          subject(`IPv${family}, in, back to a pod`, 'bench_in', packetOf(family, false, outside, node)),
          subject(`IPv${family}, in, for the node`, 'bench_in', packetOf(family, false, partner, node)),
        ]
      })
      for (const each of subjects) time(each, 10_000)
      const repeat = options.number('repeat')
      for (let round = 0; round < options.number('rounds'); round++) {
        for (const each of subjects) each.nanoseconds.push(time(each, repeat))
        if (round % 10 === 0) say(`round ${round + 1}`)
      }
      const figures: Record<string, Figure> = {}
      const ratios: Record<string, Ratio> = {}
      for (const family of families) {
        const own = subjects.filter(({ name }) => name.startsWith(`IPv${family}`))
        const [restore, off] = own.map(({ nanoseconds }) => median(nanoseconds)) as [number, number]
        for (const { name, nanoseconds } of own) {
          figures[name] = { value: median(nanoseconds), unit: 'ns' }
          if (name.includes('out,') && !name.endsWith('off'))
            ratios[`${name}, over off`] = { value: (median(nanoseconds) - restore) / Math.max(off - restore, 1) }
        }
      }
      return {
        workload: { packet: 'TCP, 40 bytes of data', rounds: options.number('rounds'), repeat },
        figures,
        ratios,
      }
    } finally {
      for (const machine of opened) machine.close()
      devices.close()
    }
  },
}
