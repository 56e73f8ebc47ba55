import { fileURLToPath } from 'node:url'
import { type BtfType, type ObjectLayout, readLayout, type UpdateFlag } from 'ebpf-napi'
import { decode, encode, type Value } from './btf-value.js'

export const objectPath = fileURLToPath(new URL('../../../../bpf/out/weir.o', import.meta.url))
export const modulePath = fileURLToPath(new URL('../../../../bpf/out/weir.wasm', import.meta.url))

export type ProgramName =
  | 'weir_from_endpoint'
  | 'weir_to_endpoint'
  | 'weir_from_device'
  | 'weir_to_device'
  /** Its frames come by the loopback device, number 1, whatever is said: a test run has no other. */
  | 'weir_xdp'
  | 'weir_from_overlay'
  | 'weir_to_overlay'
  | 'weir_sweep_pairs'

/** What else a packet brings along. */
export interface Arrival {
  /** The device that it came to the node by; 0, made here, unless said. */
  readonly ingressIfindex?: number
  /** Its VLAN, where the device took a tag off. Only in memory: a test run takes none. */
  readonly vlan?: number
  /** What it came within. Only in memory: a test run takes none. */
  readonly tunnel?: Tunnel
}

/** A tunnel: who sent the packet outside, or is to get it, in network order; and the number. */
export interface Tunnel {
  readonly family: 4 | 6
  readonly number: number
  readonly address: Uint8Array
  /** Of Geneve, as it is on the wire. */
  readonly option?: Uint8Array
  /** From which address, where the program says it. */
  readonly source?: Uint8Array
}

export interface Run {
  readonly result: number
  readonly packet: Uint8Array
  readonly mark: number
  /** Only where it can be seen: the kernel's test run tells that a packet was redirected, not where to. */
  /** What it leaves within. Only in memory. */
  readonly tunnel?: Tunnel
  readonly redirect?: { readonly kind: 'none' | 'device' | 'peer' | 'neighbour'; readonly ifindex: number }
}

/** A socket of the node's: its ends are addresses as maps have them and ports. */
export interface Socket {
  readonly family: 4 | 6
  readonly protocol: number
  /** BPF_TCP_* */
  readonly state: number
  readonly local: SocketEnd
  readonly remote?: SocketEnd
}

export interface SocketEnd {
  readonly address: Uint8Array
  readonly port: number
}

/** How the node gets to a destination, or to any. */
export interface Way {
  readonly family: 4 | 6
  readonly destination?: Uint8Array
  readonly ifindex: number
  readonly mtuBytes: number
  /** The next hop's address and the device's; absent: nobody knows him. */
  readonly macs?: { readonly to: Uint8Array; readonly from: Uint8Array }
}

/** Where the programs run: maps by name with raw keys and values, and packets. */
export interface Machine {
  readonly name: string
  lookup(map: string, key: Uint8Array): Uint8Array | undefined
  update(map: string, key: Uint8Array, value: Uint8Array): void
  delete(map: string, key: Uint8Array): void
  /** An update with a flag: 0, or the negative errno that it was refused with. */
  attempt(map: string, key: Uint8Array, value: Uint8Array, flag: UpdateFlag): number
  keys(map: string): Uint8Array[]
  /** How many entries the map has room for. */
  size(map: string): number
  /** Sum over CPUs, word by word. */
  perCpu(map: string, key: Uint8Array): BigUint64Array
  run(program: ProgramName, packet: Uint8Array, ifindex: number, mark: number, arrival?: Arrival): Run
  /** The same packet, `count` times as fast as it goes. */
  flood(program: ProgramName, packet: Uint8Array, ifindex: number, count: number): void
  /** Gives the node a socket, of which `remote` is absent when it takes any. Only in memory: the kernel has real ones. */
  readonly openSocket?: (socket: Socket) => void
  /** Ends them all. */
  readonly closeSockets?: () => void
  /** Replaces all ways of the node. Only in memory: the kernel has real ones. */
  readonly setWays?: (ways: readonly Way[]) => void
  sweep(): Uint8Array
  /** What the programs read as the time, about. */
  now(): bigint
  /** Lets time pass. */
  advance(seconds: number): void
  /** Records written since the last call. */
  events(): Promise<Uint8Array[]>
  close(): void
}

let layout: ObjectLayout | undefined

export function layoutOf(map: string): { readonly key: BtfType; readonly value: BtfType } {
  layout ??= readLayout(objectPath)
  const found = layout.maps.find(({ name }) => name === map)
  if (found?.key === undefined || found.value === undefined) throw new TypeError(`no types for map ${map}`)
  return { key: found.key, value: found.value }
}

export function typeOf(name: string): BtfType {
  layout ??= readLayout(objectPath)
  const type = layout.types[name]
  if (type === undefined) throw new TypeError(`no type ${name}`)
  return type
}

/** A machine with typed access to its maps, the interfaces of the pods a, b and c, and the node's own device n. */
export interface Typed extends Machine {
  readonly ifindex: Interfaces
  put(map: string, key: Value, value: Value): void
  get(map: string, key: Value): Value | undefined
  remove(map: string, key: Value): void
}

export type Interfaces = Readonly<Record<'a' | 'b' | 'c' | 'n', number>>

export function typed(machine: Machine, ifindex: Interfaces): Typed {
  return {
    ...machine,
    ifindex,
    put(map, key, value) {
      const types = layoutOf(map)
      machine.update(map, encode(types.key, key), encode(types.value, value))
    },
    get(map, key) {
      const types = layoutOf(map)
      const bytes = machine.lookup(map, encode(types.key, key))
      return bytes === undefined ? undefined : decode(types.value, bytes)
    },
    remove(map, key) {
      machine.delete(map, encode(layoutOf(map).key, key))
    },
  }
}
