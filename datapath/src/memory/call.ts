import { addressBits, parseAddress, prefixText } from '@weir/core/address/address.js'
import { type SocketProgramName, socketHooks } from '../backend.js'
import { viewAt, type WeirModule } from './module.js'

/** A call of a process that a program at its cgroup sees. */
export interface Call {
  readonly family: 4 | 6
  readonly protocol: 'TCP' | 'UDP'
  /** Of the peer, or of the socket for a bind; an IPv4 address in a call of IPv6 is written `::ffff:192.0.2.1`. */
  readonly address: string
  readonly port: number
  /** Which socket it is. */
  readonly socket: number
  /** Which network namespace; 1, and when absent: the node's own. */
  readonly netns?: number
}

export interface CallResult {
  readonly allowed: boolean
  /** Errno of a refusal; 0: none was said. */
  readonly error: number
  /** As the program left them. */
  readonly address: string
  readonly port: number
}

/** Words of `struct weir_call` in bpf/memory/abi.c. */
const word = {
  socket: 0,
  netns: 2,
  family: 4,
  type: 5,
  protocol: 6,
  port: 7,
  address: 8,
  result: 12,
  error: 13,
} as const
const callWords = 14
const families = { 4: 2, 6: 10 } as const
const types = { TCP: 1, UDP: 2 } as const
const protocols = { TCP: 6, UDP: 17 } as const
const firstSocketProgram = 5
const numbers = new Map(Object.keys(socketHooks).map((name, index) => [name, firstSocketProgram + index]))

export function runCall(module: WeirModule, program: SocketProgramName, call: Call): CallResult {
  const at = module.weir_call_context()
  viewAt(module, at, callWords * 4).fill(0)
  const input = new Uint32Array(module.memory.buffer, at, callWords)
  input[word.socket] = call.socket
  input[word.netns] = call.netns ?? 1
  input[word.family] = families[call.family]
  input[word.type] = types[call.protocol]
  input[word.protocol] = protocols[call.protocol]
  input[word.port] = call.port
  viewAt(module, at + word.address * 4, 16).set(bytesOf(call))
  const status = module.weir_run(numbers.get(program)!)
  if (status !== 0) throw new RangeError(`weir_run: errno ${-status}`)
  const after = new Uint32Array(module.memory.buffer, at, callWords)
  const bytes = viewAt(module, at + word.address * 4, call.family === 4 ? 4 : 16).slice()
  return {
    allowed: after[word.result] === 1,
    error: after[word.error]!,
    address: textOf(call.family, bytes),
    port: after[word.port]!,
  }
}

const disguise = (bytes: Uint8Array): boolean =>
  bytes.length === 16 && bytes.subarray(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff

function textOf(family: 4 | 6, bytes: Uint8Array): string {
  if (disguise(bytes)) return `::ffff:${textOf(4, bytes.slice(12))}`
  const text = prefixText({ family, bytes, length: addressBits(family) })
  return text.slice(0, text.lastIndexOf('/'))
}

function bytesOf({ family, address }: Call): Uint8Array {
  const mapped = family === 6 && address.startsWith('::ffff:') ? address.slice(7) : undefined
  const bits = parseAddress(mapped ?? address)
  if (bits === undefined) throw new TypeError(`no address: ${address}`)
  return mapped === undefined ? bits.bytes : Uint8Array.of(...new Uint8Array(10), 0xff, 0xff, ...bits.bytes)
}
