// Packets that the programs stop, from a process of its own, for the bench `flow-intake`: as fast as they go until the
// parent is gone. On the maps of an agent's backend, so that its event ring is told of each.
import { load } from '@weir/datapath/kernel/load.js'
import { PinDirectory } from '@weir/datapath/kernel/pins.js'
import { defaultObject } from '@weir/datapath/kernel/backend.js'

const [, , node = '', flows = '', rate = ''] = process.argv
const { object } = load(defaultObject, PinDirectory.make('/sys/fs/bpf', node), {
  ...{ maxEntries: {}, eventsPerSecond: 2 ** 32 - 1, trace: false, natPorts: { first: 40_000, last: 50_000 } },
  ...{ lbMode: 'snat', dsrDispatch: 'opt', unfinishedFrames: false, tunnels: undefined },
})
const program = object.programs.get('weir_from_endpoint')!
/** SYNs of as many sources; of an interface that is nobody's, so each is dropped and told of. */
const packets = Array.from({ length: Number(flows) }, (_, at) => syn(at))
const repeat = 64
for (const event of ['disconnect', 'SIGTERM'] as const) process.once(event, () => process.exit(0))

const start = performance.now()
let sent = 0
process.send?.('ready')
/** Those that are due by now; what couldn't be sent in time isn't made up for. */
setInterval(() => {
  const due = ((performance.now() - start) / 1000) * Number(rate)
  sent = Math.max(sent, due - Number(rate) / 50)
  for (; sent < due; sent += repeat)
    program.testRun({ data: packets[Math.floor(sent / repeat) % packets.length]!, repeat })
}, 1)

function syn(at: number): Uint8Array {
  const packet = new Uint8Array(54)
  const view = new DataView(packet.buffer)
  view.setUint16(12, 0x0800)
  packet[14] = 0x45
  view.setUint16(16, 40)
  packet[22] = 64
  packet[23] = 6
  view.setUint32(26, (10 << 24) | at)
  view.setUint32(30, 0x0a000001)
  view.setUint16(34, 40_000)
  view.setUint16(36, 80)
  packet[46] = 0x50
  packet[47] = 2
  return packet
}
