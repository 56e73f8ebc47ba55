import { readFileSync } from 'node:fs'
import { type Machine, modulePath, type ProgramName, type Run, type Tunnel } from './machine.js'
import { pairSizes, pairVariables } from './pairs.js'
import { quickSizes, quickVariables } from './quick.js'

type Exports = Readonly<Record<string, (...values: (number | bigint)[]) => number>> & {
  readonly memory: { readonly buffer: ArrayBuffer }
}

/** The part of the global that is used; TypeScript declares it with the browser's library only. */
interface WebAssemblyGlobal {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

const { WebAssembly: wasmGlobal } = globalThis as unknown as { readonly WebAssembly: WebAssemblyGlobal }

const redirects = ['none', 'device', 'peer', 'neighbour'] as const
/** Of struct weir_way. */
const wayBytes = 40
const loopback = 1
const enoent = -2
/** Of struct weir_sweep. */
const sweepBytes = 32
/** Of struct weir_socket. */
const socketBytes = 40
/** By the kernel's number. */
const flags = ['any', 'noexist', 'exist']

/** The WebAssembly module; `variables` and the maps' sizes are set before anything runs. */
export function memoryMachine(
  variables: Readonly<Record<string, number>> = {},
  maxEntries: Readonly<Record<string, number>> = {},
): Machine {
  const { exports } = new wasmGlobal.Instance(new wasmGlobal.Module(readFileSync(modulePath)))
  const wasm = exports as Exports
  const call = (name: string, ...values: (number | bigint)[]): number => {
    const exported = wasm[name]
    if (exported === undefined) throw new TypeError(`the module has no ${name}`)
    return exported(...values)
  }
  const bytes = (at: number, length: number): Uint8Array => new Uint8Array(wasm.memory.buffer, at, length)
  const text = (at: number): string => {
    const all = new Uint8Array(wasm.memory.buffer)
    return new TextDecoder().decode(all.subarray(at, all.indexOf(0, at)))
  }
  const numbered = (count: string, name: string): Map<string, number> =>
    new Map(Array.from({ length: call(count) }, (_, i) => [text(call(name, i)), i]))
  const maps = numbered('weir_map_count', 'weir_map_name')
  const programs = numbered('weir_program_count', 'weir_program_name')
  const config = numbered('weir_config_count', 'weir_config_name')
  const at = (all: Map<string, number>, name: string): number => {
    const index = all.get(name)
    if (index === undefined) throw new TypeError(`the module has no ${name}`)
    return index
  }
  for (const [name, value] of Object.entries({ ...quickVariables, ...pairVariables, ...variables })) {
    const variable = at(config, name)
    const target = bytes(call('weir_config_at', variable), call('weir_config_size', variable))
    for (let i = 0; i < target.length; i++) target[i] = value >>> (8 * i)
  }
  for (const [name, most] of Object.entries({ ...quickSizes, ...pairSizes, ...maxEntries })) {
    if (call('weir_map_resize', at(maps, name), most) < 0) throw new Error(`${name} can't be resized`)
  }
  let clock = 1_000_000_000_000n
  call('weir_set_clock', clock)

  const setKey = (map: number, key: Uint8Array): void => {
    const size = call('weir_map_key_size', map)
    if (key.length !== size) throw new RangeError(`a key of ${key.length} bytes, not ${size}`)
    bytes(call('weir_key'), size).set(key)
  }
  const check = (result: number): void => {
    if (result < 0) throw new Error(`errno ${-result}`)
  }
  const value = (map: number): Uint8Array => bytes(call('weir_value'), call('weir_map_value_size', map))

  const machine: Machine = {
    name: 'memory',
    lookup(map, key) {
      const index = at(maps, map)
      setKey(index, key)
      const result = call('weir_map_lookup', index)
      if (result === enoent) return undefined
      check(result)
      return value(index).slice()
    },
    update(map, key, data) {
      const index = at(maps, map)
      setKey(index, key)
      value(index).set(data)
      check(call('weir_map_update', index, 0))
    },
    delete(map, key) {
      const index = at(maps, map)
      setKey(index, key)
      const result = call('weir_map_delete', index)
      if (result !== enoent) check(result)
    },
    attempt(map, key, data, flag) {
      const index = at(maps, map)
      setKey(index, key)
      value(index).set(data)
      return call('weir_map_update', index, flags.indexOf(flag))
    },
    size: map => call('weir_map_max_entries', at(maps, map)),
    keys(map) {
      const index = at(maps, map)
      const keys: Uint8Array[] = []
      for (let first = 1; call('weir_map_next_key', index, first) === 0; first = 0)
        keys.push(bytes(call('weir_key'), call('weir_map_key_size', index)).slice())
      return keys
    },
    perCpu(map, key) {
      const data = machine.lookup(map, key)
      if (data === undefined) throw new RangeError(`${map} has no such index`)
      return new BigUint64Array(data.buffer)
    },
    run(program: ProgramName, packet, ifindex, mark, { ingressIfindex = 0, vlan, tunnel } = {}): Run {
      bytes(call('weir_packet'), packet.length).set(packet)
      const context = (): Uint32Array => new Uint32Array(wasm.memory.buffer, call('weir_context'), 25)
      const isFrame = program === 'weir_xdp'
      context().set([packet.length, 0, isFrame ? loopback : ifindex, mark, vlan === undefined ? 0 : 1])
      context().set(
        [isFrame ? loopback : ingressIfindex, vlan ?? 0, tunnel?.family ?? 0, tunnel?.number ?? 0, 0, 0, 0, 0],
        9,
      )
      context().set([tunnel?.option?.length ?? 0, 0, 0, 0, 0, 0, 0, 0], 17)
      if (tunnel !== undefined) bytes(call('weir_context') + 13 * 4, 16).set(tunnel.address)
      if (tunnel?.option !== undefined) bytes(call('weir_context') + 18 * 4, 12).set(tunnel.option)
      check(call('weir_run', at(programs, program)))
      const [length, , , markAfter, , result, kind, target] = context() as unknown as number[]
      return {
        result: result! | 0,
        packet: bytes(call('weir_packet'), length!).slice(),
        mark: markAfter!,
        ...tunnelOf(context(), bytes(call('weir_context') + 13 * 4, 48)),
        redirect: { kind: redirects[kind!]!, ifindex: target! },
      }
    },
    flood(program, packet, ifindex, count) {
      for (let i = 0; i < count; i++) machine.run(program, packet, ifindex, 0)
    },
    openSocket({ family, protocol, state, local, remote }) {
      const table = bytes(call('weir_node_sockets'), socketBytes * call('weir_node_socket_most'))
      const free = Array.from({ length: table.length / socketBytes }, (_, place) => place * socketBytes).find(
        place => table[place + 38] === 0,
      )
      if (free === undefined) throw new RangeError('too many sockets')
      table.set(local.address, free)
      if (remote !== undefined) table.set(remote.address, free + 16)
      for (const [index, { port } = { port: 0 }] of [local, remote].entries())
        table.set([port >> 8, port & 0xff], free + 32 + 2 * index)
      table.set([family, protocol, state], free + 36)
    },
    closeSockets() {
      bytes(call('weir_node_sockets'), socketBytes * call('weir_node_socket_most')).fill(0)
    },
    setWays(ways) {
      const table = bytes(call('weir_ways'), wayBytes * call('weir_way_most'))
      table.fill(0)
      for (const [place, { family, destination, ifindex, mtuBytes, macs }] of ways.entries()) {
        const at = place * wayBytes
        table.set(destination ?? [], at)
        const view = new DataView(table.buffer, table.byteOffset + at)
        view.setUint32(16, ifindex, true)
        view.setUint32(20, mtuBytes, true)
        table.set(macs === undefined ? [] : [...macs.to, ...macs.from], at + 24)
        table.set([family, macs === undefined ? 0 : 1], at + 36)
      }
    },
    sweep() {
      check(call('weir_run', at(programs, 'weir_sweep')))
      return bytes(call('weir_sweep_result'), sweepBytes).slice()
    },
    advance(seconds) {
      clock += BigInt(Math.round(seconds * 1e9))
      call('weir_set_clock', clock)
    },
    now: () => clock,
    async events() {
      const records: Uint8Array[] = []
      for (let record = call('weir_ring_next', at(maps, 'weir_events')); record !== 0; ) {
        records.push(bytes(record, call('weir_ring_length')).slice())
        record = call('weir_ring_next', at(maps, 'weir_events'))
      }
      return records
    },
    close() {},
  }
  return machine
}

function tunnelOf(context: Uint32Array, bytes: Uint8Array): { readonly tunnel?: Tunnel } {
  const family = context[11]
  if (family !== 4 && family !== 6) return {}
  const address = bytes.slice(0, family === 4 ? 4 : 16)
  const length = context[17]!
  const source = bytes.slice(32, 32 + address.length)
  return {
    tunnel: {
      ...{ family, number: context[12]!, address },
      ...(length > 0 && { option: bytes.slice(20, 20 + length) }),
      ...(source.some(byte => byte !== 0) && { source }),
    },
  }
}
