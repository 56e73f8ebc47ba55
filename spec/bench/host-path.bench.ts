import { fileURLToPath } from 'node:url'
import { type BpfObject, loadObject } from 'ebpf-napi'
import { makeDevices } from '../kernel/packets/devices.js'
import { hostPolicy, inward, outward } from '../kernel/packets/fixtures/host-world.js'
import { flags, frame, type Link, tcp } from '../kernel/packets/frames.js'
import { machineOf } from '../kernel/packets/kernel-machine.js'
import { known, masquerading } from '../kernel/packets/leaving-world.js'
import { objectPath, type Typed, typed } from '../kernel/packets/machine.js'
import { a, fill, node, outside } from '../kernel/packets/world.js'
import { type Bench, type Figure, median, type Ratio } from './bench.js'

const emptyPath = fileURLToPath(new URL('../../../bpf/out/packet-path.o', import.meta.url))
const contextBytes = 192
const ingressIfindexAt = 36
const ifindexAt = 40

type Ends = { readonly four: string; readonly six: string }
type Family = 4 | 6

const segment = (
  link: Link,
  from: Ends,
  to: Ends,
  ports: readonly [number, number],
  family: Family,
  flag: number = flags.ack,
): Uint8Array =>
  frame(
    link,
    { from: family === 4 ? from.four : from.six, to: family === 4 ? to.four : to.six },
    tcp(ports[0], ports[1], flag, new Uint8Array(20)),
  )

interface Subject {
  readonly name: string
  readonly object: BpfObject
  readonly program: string
  readonly packet: Uint8Array
  readonly nanoseconds: number[]
}

export const bench: Bench = {
  name: 'host-path',
  summary:
    "ns per packet at the node's device by test run, with and without a policy of the node; empty program beside",
  options: {
    rounds: { value: 31, help: 'rounds over all subjects, by turns' },
    repeat: { value: 50_000, help: 'packets per subject and round' },
  },
  async run(options, say) {
    const devices = makeDevices()
    const opened: Typed[] = []
    try {
      const load = (isJudged: boolean, isMasquerading = false): BpfObject => {
        const object = loadObject(objectPath, { variables: { weir_coarse_clock: 1 } })
        const machine = typed(machineOf(object), devices.ifindex)
        opened.push(machine)
        fill(machine)
        if (isJudged) hostPolicy()(machine)
        if (isMasquerading) masquerading().change(machine)
        return object
      }
      const [free, judged, masked] = [load(false), load(true), load(false, true)]
      const empty = loadObject(emptyPath, { variables: { weir_coarse_clock: 1 } })
      opened.push(typed(machineOf(empty), devices.ifindex))
      const subject = (name: string, object: BpfObject, program: string, packet: Uint8Array): Subject => ({
        name,
        object,
        program,
        packet,
        nanoseconds: [],
      })
      const both = (name: string, object: BpfObject): readonly Subject[] =>
        ([4, 6] as const).flatMap(family => {
          const says = `IPv${family}, ${name}`
          return [
            subject(`${says}, in`, object, 'weir_from_device', segment(inward, outside, node, [4000, 80], family)),
            subject(`${says}, out`, object, 'weir_to_device', segment(outward, node, outside, [80, 4000], family)),
            subject(
              `${says}, in, for a pod`,
              object,
              'weir_from_device',
              segment(inward, outside, a, [4000, 80], family),
            ),
          ]
        })
      const subjects = [
        subject('empty program', empty, 'bench_empty', segment(inward, outside, node, [4000, 80], 4)),
        ...both('no policy of the node', free),
        ...both('established under a policy', judged),
        // None of these is masqueraded: what they pay for those that are.
        ...both('pods masqueraded', masked),
        ...([free, masked] as const).map(object =>
          subject(
            `IPv4, ${object === free ? 'no policy of the node' : 'pods masqueraded'}, out, of a pod to an excluded block`,
            object,
            'weir_to_device',
            segment(outward, a, known, [4000, 80], 4),
          ),
        ),
        subject(
          'IPv4, denied, a call',
          judged,
          'weir_from_device',
          segment(inward, outside, node, [4000, 81], 4, flags.syn),
        ),
        // For which the node is asked whether it has a socket; it has none.
        subject('IPv4, denied, no call', judged, 'weir_from_device', segment(inward, outside, node, [4000, 81], 4)),
      ]
      const time = ({ object, program, packet }: Subject, repeat: number): number => {
        const context = new Uint8Array(contextBytes)
        const view = new DataView(context.buffer)
        view.setUint32(ifindexAt, devices.ifindex.n, true)
        if (program === 'weir_from_device') view.setUint32(ingressIfindexAt, devices.ifindex.n, true)
        return object.programs.get(program)!.testRun({ data: packet, context, repeat }).durationNs
      }
      // Both directions have been seen, and everything is in the caches.
      for (const each of subjects) time(each, 10_000)
      const repeat = options.number('repeat')
      for (let round = 0; round < options.number('rounds'); round++) {
        for (const each of subjects) each.nanoseconds.push(time(each, repeat))
        if (round % 10 === 0) say(`round ${round + 1}`)
      }
      const figures: Record<string, Figure> = {}
      const ratios: Record<string, Ratio> = {}
      const base = median(subjects[0]!.nanoseconds)
      for (const { name, nanoseconds } of subjects) {
        figures[name] = { value: median(nanoseconds), unit: 'ns' }
        if (name !== 'empty program') ratios[`${name}, over empty`] = { value: median(nanoseconds) / base }
      }
      return {
        workload: { packet: 'TCP, 20 bytes of data', rounds: options.number('rounds'), repeat },
        figures,
        ratios,
      }
    } finally {
      for (const machine of opened) machine.close()
      devices.close()
    }
  },
}
