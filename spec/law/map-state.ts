import type { Tables } from '@weir/core/tables/tables.js'
import type { Operation } from '@weir/datapath/plan/operation.js'
import { sharedSlot } from '@weir/datapath/plan/shared-slot.js'

/** The policy maps as plain data, judged from their definitions. Shares nothing with the planner but its operations. */
export interface MapState {
  readonly addresses: Map<string, { subject: number; peerClass: number; slot: number }>
  readonly prefixes: Map<string, { subject: number; peerClass: number }>
  /** By slot. */
  readonly generations: Map<number, number>
  /** `subject:direction:class` → steps */
  readonly cells: Map<string, readonly { key: number; verdict: number }[]>
}

export const emptyState = (): MapState => ({
  addresses: new Map(),
  prefixes: new Map(),
  cells: new Map(),
  generations: new Map(),
})

export function stateOf(tables: Tables): MapState {
  const state = emptyState()
  for (const [address, row] of tables.addresses) {
    state.addresses.set(address, { ...row, slot: row.endpoint === 0 ? 0 : 255 + row.endpoint })
  }
  for (const [prefix, row] of tables.prefixes) state.prefixes.set(prefix, { subject: 0, peerClass: row.peerClass })
  for (const [, cell] of tables.cells) {
    const direction = cell.direction === 'egress' ? 0 : 1
    state.cells.set(`${cell.subject}:${direction}:${cell.peerClass}`, tables.rows.get(cell.row)!.steps)
  }
  return state
}

export function write(state: MapState, operation: Operation): void {
  const put = <Value>(map: Map<string, Value>, key: string, value: Value | undefined) => {
    if (value === undefined) map.delete(key)
    else map.set(key, value)
  }
  if (operation.table === 'addresses') put(state.addresses, operation.address, operation.peer)
  if (operation.table === 'prefixes') put(state.prefixes, operation.prefix, operation.peer)
  if (operation.table === 'endpoints') state.generations.set(operation.slot, operation.generation)
  if (operation.table === 'cells') {
    const { subject, direction, peerClass, row } = operation
    put(state.cells, `${subject}:${direction}:${peerClass}`, row?.steps)
  }
}

function bits(address: string): { family: 4 | 6; bits: string } {
  if (!address.includes(':')) {
    const octets = address.split('.').map(part => Number(part).toString(2).padStart(8, '0'))
    return { family: 4, bits: octets.join('') }
  }
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...left, ...new Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return { family: 6, bits: groups.map(group => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('') }
}

const contained = new Map<string, boolean>()

function contains(prefix: string, address: string): boolean {
  const key = `${prefix} ${address}`
  const known = contained.get(key) ?? compare(prefix, address)
  contained.set(key, known)
  return known
}

function compare(prefix: string, address: string): boolean {
  const [network = '', length = '0'] = prefix.split('/')
  const [outer, inner] = [bits(network), bits(address)]
  return outer.family === inner.family && inner.bits.startsWith(outer.bits.slice(0, Number(length)))
}

function standing(state: MapState, address: string): { subject: number; peerClass: number } {
  const exact = state.addresses.get(address)
  if (exact !== undefined) return exact
  const around = [...state.prefixes.keys()].filter(prefix => contains(prefix, address))
  const longest = around.sort((a, b) => Number(b.split('/')[1]) - Number(a.split('/')[1]))[0]
  return longest === undefined ? { subject: 0, peerClass: 0 } : state.prefixes.get(longest)!
}

function side(state: MapState, subject: number, direction: 0 | 1, peerClass: number, key: number): number {
  if (subject === 0) return 1
  // What no table knows is denied, whatever the subject's default.
  if (peerClass === 0) return 0
  const steps = state.cells.get(`${subject}:${direction}:${peerClass}`) ?? state.cells.get(`${subject}:${direction}:0`)
  return steps?.findLast(step => step.key <= key)?.verdict ?? 0
}

export const sameFamily = (a: string, b: string): boolean => a.includes(':') === b.includes(':')

/** Verdicts (0, 1) of every flow between two of the addresses at each key, in a fixed order. */
export function verdictsOf(state: MapState, addresses: readonly string[], keys: readonly number[]): Uint8Array {
  const known = addresses.map(address => ({ address, ...standing(state, address) }))
  const verdicts: number[] = []
  for (const from of known) {
    for (const to of known) {
      if (from === to || !sameFamily(from.address, to.address)) continue
      for (const key of keys) {
        verdicts.push(side(state, from.subject, 0, to.peerClass, key) & side(state, to.subject, 1, from.peerClass, key))
      }
    }
  }
  return Uint8Array.from(verdicts)
}

/** What a program would remember a verdict under: the sum of generations of each flow's ends, in the same order. */
export function generationsOf(
  state: MapState,
  addresses: readonly string[],
  keys: readonly number[],
): readonly { readonly slots: readonly [number, number]; readonly sum: number }[] {
  const known = addresses.map(address => {
    const slot = state.addresses.get(address)?.slot || sharedSlot(address)
    return { address, slot, generation: state.generations.get(slot) ?? 0 }
  })
  const sums: { readonly slots: readonly [number, number]; readonly sum: number }[] = []
  for (const from of known) {
    for (const to of known) {
      if (from === to || !sameFamily(from.address, to.address)) continue
      const both = { slots: [from.slot, to.slot], sum: from.generation + to.generation } as const
      for (const _ of keys) sums.push(both)
    }
  }
  return sums
}

/** The sum that an entry which names these slots is compared with now. */
export const sumOf = (state: MapState, [one, other]: readonly [number, number]): number =>
  (state.generations.get(one) ?? 0) + (state.generations.get(other) ?? 0)
