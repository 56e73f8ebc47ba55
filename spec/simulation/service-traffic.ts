import { prefixText } from '@weir/core/address/address.js'
import { buildFrame } from '@weir/adapters/demo/packets.js'
import { pairMacs } from '@weir/adapters/network/names.js'
import type { MemoryBackendHandle } from '@weir/datapath'
import { packetActions } from '@weir/datapath/backend.js'
import { outerDevice } from './node-network.js'
import { seen } from './traffic.js'
import { type Place, refused, type Way, wayTo } from './service-ways.js'

/** What became of something that was sent. */
export interface Outcome {
  /** Absent where it was stopped before anybody could tell. */
  readonly way?: Way
  /** Of `seen`. */
  readonly bits: number
  /** As the backend sees it. */
  readonly sourcePort?: number
}

/** Ends of a packet. */
interface Ends {
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly destinationPort: number
  readonly isRefusal: boolean
}

export const flagsOf = { syn: 0x02, rst: 0x04, ack: 0x10 } as const
const outside = pairMacs(4000)
const { ifindex: device } = outerDevice
const stopped: Outcome = { bits: seen.stopped }

/** A call of a process that connects. */
export function call(
  backend: MemoryBackendHandle,
  { address, protocol, port }: Place,
  isNode: boolean,
  socket: number,
): Outcome {
  const family = address.includes(':') ? 6 : 4
  const given = { family, protocol, address, port, socket, netns: isNode ? 1 : 2 } as const
  const result = backend.runSocket(family === 4 ? 'weir_connect4' : 'weir_connect6', given)
  return { bits: seen.passed, way: result.allowed ? wayTo(result) : refused }
}

/** A packet that a pod sends to a service. @param to the interface of a local pod by its address */
export function sendFromPod(
  backend: MemoryBackendHandle,
  ifindex: number,
  packet: PacketTo,
  to: (address: string) => number | undefined,
): Outcome {
  const { pod: sourceMac, host: destinationMac } = pairMacs(ifindex)
  const frame = frameOf(packet, sourceMac, destinationMac)
  const result = backend.runProgram('weir_from_endpoint', frame, { ifindex })
  if (result.action === packetActions.drop) return stopped
  const ends = endsOf(result.packet)
  if (ends.isRefusal) return { way: refused, bits: seen.passed }
  const found = { way: wayTo({ address: ends.destination, port: ends.destinationPort }), sourcePort: ends.sourcePort }
  const target = result.action === packetActions.redirect ? undefined : to(ends.destination)
  return { ...found, bits: target === undefined ? seen.passed : deliver(backend, target, result.packet, result.mark) }
}

/** A packet that comes to the node from outside. */
export function sendFromOutside(
  backend: MemoryBackendHandle,
  packet: PacketTo,
  to: (address: string) => number | undefined,
): Outcome {
  const frame = frameOf(packet, outside.pod, outside.host)
  const context = { ifindex: device, ingressIfindex: device }
  const result = backend.runProgram('weir_from_device', frame, context)
  if (result.action === packetActions.drop) return stopped
  const ends = endsOf(result.packet)
  if (ends.isRefusal) return { way: refused, bits: seen.passed }
  const way = wayTo({ address: ends.destination, port: ends.destinationPort })
  const target = to(ends.destination)
  if (target === undefined) return { way, bits: seen.passed }
  return { way, bits: deliver(backend, target, result.packet, result.mark, device) }
}

/** What a backend answers to a pod: who seems to have sent it, where it came. */
export function answer(
  backend: MemoryBackendHandle,
  packet: PacketTo,
  route: { readonly from: number | undefined; readonly to: number },
): Way | undefined {
  const { pod, host } = pairMacs(route.from ?? route.to)
  const frame = route.from === undefined ? frameOf(packet, host, pod) : frameOf(packet, pod, host)
  const ifindex = route.from ?? route.to
  const program = route.from === undefined ? 'weir_to_endpoint' : 'weir_from_endpoint'
  const result = backend.runProgram(program, frame, { ifindex })
  if (result.action === packetActions.drop) return undefined
  const { source, sourcePort } = endsOf(result.packet)
  return wayTo({ address: source, port: sourcePort })
}

function deliver(backend: MemoryBackendHandle, ifindex: number, packet: Uint8Array, mark: number, by = 0): number {
  const context = { ifindex, mark, ingressIfindex: by }
  const { action } = backend.runProgram('weir_to_endpoint', packet, context)
  return action === packetActions.drop ? seen.stopped : seen.passed
}

export interface PacketTo {
  readonly source: string
  readonly destination: string
  readonly protocol: Place['protocol']
  readonly sourcePort: number
  readonly destinationPort: number
  readonly flags: number
}

const frameOf = (packet: PacketTo, sourceMac: string, destinationMac: string): Uint8Array =>
  buildFrame({ ...packet, sourceMac, destinationMac })

const ethernet = 14

/** Of an Ethernet frame. */
export function endsOf(frame: Uint8Array): Ends {
  const isFour = frame[12] === 0x08
  const bytes = isFour ? 4 : 16
  const at = ethernet + (isFour ? 12 : 8)
  const protocol = frame[ethernet + (isFour ? 9 : 6)]!
  const l4 = ethernet + (isFour ? 20 : 40)
  const port = (offset: number): number => (frame[l4 + offset]! << 8) | frame[l4 + offset + 1]!
  return {
    source: addressText(frame.subarray(at, at + bytes)),
    destination: addressText(frame.subarray(at + bytes, at + 2 * bytes)),
    sourcePort: port(0),
    destinationPort: port(2),
    isRefusal: protocol === 1 || protocol === 58 || (protocol === 6 && (frame[l4 + 13]! & flagsOf.rst) !== 0),
  }
}

function addressText(bytes: Uint8Array): string {
  const text = prefixText({ family: bytes.length === 4 ? 4 : 6, bytes, length: bytes.length * 8 })
  return text.slice(0, text.lastIndexOf('/'))
}
