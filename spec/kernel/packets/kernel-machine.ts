import { setTimeout as sleep } from 'node:timers/promises'
import {
  type BpfMap,
  type BpfObject,
  type BpfProgram,
  EbpfError,
  loadObject,
  type OpenOptions,
  openRingBuffer,
  perCpuValues,
} from 'ebpf-napi'
import { type Machine, objectPath, type ProgramName, type Run } from './machine.js'
import { agePairs, pairSizes, pairVariables } from './pairs.js'
import { emptyQuick, quickSizes, quickVariables } from './quick.js'

/** Of struct weir_sweep. */
const sweepBytes = 32
/** Of struct __sk_buff. */
const contextBytes = 192
const markAt = 8
const ingressIfindexAt = 36
const ifindexAt = 40
const expiring = ['weir_ct4', 'weir_ct6', 'weir_frag4', 'weir_frag6']

/** Of struct __sk_buff, as a test run takes it. */
export function contextOf(ifindex: number, mark: number, ingressIfindex = 0): Uint8Array {
  const context = new Uint8Array(contextBytes)
  const view = new DataView(context.buffer)
  view.setUint32(markAt, mark, true)
  view.setUint32(ingressIfindexAt, ingressIfindex, true)
  view.setUint32(ifindexAt, ifindex, true)
  return context
}

/** The kernel's own verifier, JIT and maps, by test run. */
export function kernelMachine(options: OpenOptions = {}): Machine {
  return machineOf(
    loadObject(objectPath, {
      ...options,
      maxEntries: { weir_ct4: 65536, weir_ct6: 65536, ...pairSizes, ...quickSizes, ...options.maxEntries },
      variables: { weir_coarse_clock: 1, ...quickVariables, ...pairVariables, ...options.variables },
    }),
  )
}

/** An object that has weir.o's maps; it is closed with the machine. */
export function machineOf(object: BpfObject): Machine {
  const map = (name: string): BpfMap => {
    const found = object.maps.get(name)
    if (found === undefined) throw new TypeError(`no map ${name}`)
    return found
  }
  const program = (name: string): BpfProgram => {
    const found = object.programs.get(name)
    if (found === undefined) throw new TypeError(`no program ${name}`)
    return found
  }
  let records: Uint8Array[] = []
  const keep = (batch: readonly Uint8Array[]): void => {
    records.push(...batch.map(record => record.slice()))
  }
  const ring = openRingBuffer(map('weir_events'), keep, { pollMs: 1 })

  const machine: Machine = {
    name: 'kernel',
    lookup: (name, key) => map(name).lookup(key),
    update: (name, key, value) => map(name).update(key, value),
    delete: (name, key) => void map(name).delete(key),
    attempt(name, key, value, flag) {
      try {
        map(name).update(key, value, flag)
        return 0
      } catch (error) {
        if (error instanceof EbpfError && error.errno !== undefined) return -error.errno
        throw error
      }
    },
    size: name => map(name).info.maxEntries,
    keys: name => [...map(name).entries()].map(([key]) => key),
    perCpu(name, key) {
      const value = map(name).lookup(key)
      if (value === undefined) throw new RangeError(`${name} has no such index`)
      const parts = perCpuValues(map(name).info, value).map(part => new BigUint64Array(part.slice().buffer))
      return BigUint64Array.from(parts[0]!, (_, i) => parts.reduce((sum, part) => sum + part[i]!, 0n))
    },
    flood(name, packet, ifindex, count) {
      program(name).testRun({ data: packet, context: contextOf(ifindex, 0), repeat: count })
    },
    run(name: ProgramName, packet, ifindex, mark, { ingressIfindex } = {}): Run {
      if (name === 'weir_xdp' || name === 'weir_sweep_pairs') {
        const { retval, data } = program(name).testRun({ data: packet })
        return { result: retval, packet: data.slice(), mark }
      }
      const context = contextOf(ifindex, mark, ingressIfindex)
      const { retval, data, context: after } = program(name).testRun({ data: packet, context })
      if (after === undefined) throw new Error('a test run without its context')
      const markAfter = new DataView(after.buffer, after.byteOffset).getUint32(markAt, true)
      return { result: retval | 0, packet: data.slice(), mark: markAfter }
    },
    sweep() {
      const { context } = program('weir_sweep').testRun({ context: new Uint8Array(sweepBytes) })
      if (context === undefined) throw new Error('a test run without its context')
      return context.slice()
    },
    now: () => process.hrtime.bigint(),
    // The kernel's clock can't be set; what expires can.
    advance(seconds) {
      const past = BigInt(Math.round(seconds * 1e9))
      emptyQuick(machine)
      agePairs(machine, past)
      for (const name of expiring) {
        for (const [key, value] of [...map(name).entries()]) {
          const moved = value.slice()
          const view = new DataView(moved.buffer)
          const expires = view.getBigUint64(0, true)
          view.setBigUint64(0, expires > past ? expires - past : 0n, true)
          map(name).update(key, moved)
        }
      }
    },
    async events() {
      for (let quiet = 0; quiet < 2; ) {
        const before = records.length
        await sleep(20)
        quiet = records.length === before ? quiet + 1 : 0
      }
      const taken = records
      records = []
      return taken
    },
    close() {
      ring.close()
      object.close()
    },
  }
  return machine
}
