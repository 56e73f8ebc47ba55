import type { TunnelRow } from '@weir/core/routing/tunnel-rows.js'
import type { AddressRow, Change, Tables } from '@weir/core/tables/tables.js'
import type { Backend } from '../backend.js'
import { codecs, type TableMapName } from '../codec/maps.js'
import { BatchBuilder, type MapWrite, writeBatch } from '../reconcile/batch.js'
import { type TurnOptions, Turns, typedError } from '../reconcile/turns.js'
import { fellowWrite, markWrite, tunnelWrite } from './encode.js'
import { Fellows, type Known } from './fellows.js'

export interface OverlayReconcilerOptions extends TurnOptions<number> {
  readonly labelsOf: (identity: number) => readonly string[] | undefined
}

const maps = ['weir_tunnels4', 'weir_tunnels6', 'weir_marks', 'weir_fellows'] as const satisfies readonly TableMapName[]

const saysWhere = ({ map }: MapWrite): boolean => map === 'weir_tunnels4' || map === 'weir_tunnels6'
const lengthOf = ({ map, key }: MapWrite): number =>
  (map === 'weir_tunnels4' ? codecs.prefix4 : codecs.prefix6).read(key).length
const byLength = (one: MapWrite, other: MapWrite): number => lengthOf(one) - lengthOf(other)
const nameOf = ({ map, key }: Pick<MapWrite, 'map' | 'key'>): string => `${map} ${key.join()}`
const isSame = (one: MapWrite | undefined, other: MapWrite): boolean =>
  one?.value !== undefined && other.value !== undefined && Buffer.from(one.value).equals(other.value)

/**
 * The only writer of the maps that say where other nodes are, and what identities are called between them. Who stands for
 * an identity is let go before the tables forget him, and taken in once they know him. Turns return how many entries were
 * written.
 */
export class OverlayReconciler {
  readonly #backend: Pick<Backend, 'maps'>
  readonly #turns: Turns<number>
  readonly #fellows: Fellows
  /** What the maps hold, while it is known; only entries of these maps. */
  #there: Map<string, MapWrite> | undefined
  #tunnels: ReadonlyMap<string, TunnelRow> = new Map()
  /** Routes may lead into tunnels that aren't wanted any more, those of the run before too. */
  #keepsOthers = true
  #isStarted = false
  /** Entries of an identity, by name, as they are wanted. */
  readonly #entries = new Map<number, readonly MapWrite[]>()

  constructor(backend: Pick<Backend, 'maps'>, options: OverlayReconcilerOptions) {
    this.#backend = backend
    this.#turns = new Turns(options, () => this.#resync())
    this.#fellows = new Fellows(options.labelsOf)
  }

  get lastError(): Error | undefined {
    return this.#turns.lastError
  }

  /** @throws WeirError WEIR_MAP_FULL, WEIR_DATAPATH_FAILED; the turn is retried meanwhile */
  start({ addresses }: Pick<Tables, 'addresses'>): number {
    const rows = [...addresses].map(([, row]) => row)
    for (const identity of this.#fellows.arrive(rows)) this.#note(identity)
    this.#isStarted = true
    return this.#turns.run(() => this.#resync())
  }

  /**
   * Before the tables change. What else is wrong in these maps, for want of room most likely, keeps nobody from going.
   * @throws WeirError WEIR_DATAPATH_FAILED: who goes may stand for an identity yet; the turn is retried meanwhile
   */
  leave(changes: readonly Change<AddressRow>[]): number {
    const identities = this.#fellows.leave(changes)
    try {
      return this.#change(identities)
    } catch {
      return this.letGo()
    }
  }

  /**
   * Takes away who stands for an identity and shouldn't, and nothing else.
   * @throws WeirError WEIR_DATAPATH_FAILED
   */
  letGo(): number {
    const wanted = new Map([...this.#entries.values()].flat().map(entry => [nameOf(entry), entry]))
    const builder = new BatchBuilder()
    let count = 0
    for (const map of ['weir_marks', 'weir_fellows'] as const)
      for (const [key, value] of this.#backend.maps[map].entries()) {
        const now = wanted.get(nameOf({ map, key }))
        if (now !== undefined && isSame(now, { map, key, value })) continue
        builder.add({ map, key: key.slice(), value: now?.value })
        count += 1
      }
    try {
      for (const batch of builder.batches()) writeBatch(this.#backend, batch)
    } catch (cause) {
      throw typedError(cause)
    }
    return count
  }

  /** After they have. @throws as start */
  arrive(changes: readonly Change<AddressRow>[]): number {
    return this.#change(this.#fellows.arrive(changes.flatMap(({ after }) => after ?? [])))
  }

  /** Says where tunnels lead from now on; others stay until `useTunnels`. Said before start(), it happens there. @throws as start */
  addTunnels(tunnels: ReadonlyMap<string, TunnelRow>): number {
    return this.#lead(tunnels, true)
  }

  /** Says where tunnels lead, and that no route leads into others. @throws as start */
  useTunnels(tunnels: ReadonlyMap<string, TunnelRow>): number {
    return this.#lead(tunnels, false)
  }

  /** Reads the maps, and sets right what isn't as it should be. @throws as start */
  verify(): number {
    return this.#turns.run(() => this.#resync())
  }

  close(): void {
    this.#turns.close()
  }

  #lead(tunnels: ReadonlyMap<string, TunnelRow>, keepsOthers: boolean): number {
    this.#tunnels = tunnels
    this.#keepsOthers = keepsOthers
    if (!this.#isStarted) return 0
    return this.#turns.run(() => (this.#there === undefined ? this.#resync() : this.#reach()))
  }

  #change(identities: ReadonlySet<number>): number {
    if (identities.size === 0) return 0
    const before = [...identities].flatMap(identity => this.#entries.get(identity) ?? [])
    for (const identity of identities) this.#note(identity)
    const after = [...identities].flatMap(identity => this.#entries.get(identity) ?? [])
    return this.#turns.run(() => {
      const there = this.#there
      if (there === undefined) return this.#resync()
      const wanted = new Set(after.map(nameOf))
      // Two numbers of one mark share its fellow: there are none, but a number may just have been given anew.
      return this.#write(there, [
        ...after,
        ...before.filter(entry => !wanted.has(nameOf(entry))).map(({ map, key }) => ({ map, key, value: undefined })),
      ])
    })
  }

  #note(identity: number): void {
    const known = this.#fellows.known(identity)
    if (known === undefined) this.#entries.delete(identity)
    else this.#entries.set(identity, entriesOf(identity, known))
  }

  #resync(): number {
    const found = new Map<string, MapWrite>()
    for (const map of maps)
      for (const [key, value] of this.#backend.maps[map].entries()) {
        const entry = { map, key: key.slice(), value: value.slice() }
        found.set(nameOf(entry), entry)
      }
    this.#there = found
    return this.#reach()
  }

  /** From what is there to all that is wanted. */
  #reach(): number {
    const there = this.#there!
    const wanted = new Map<string, MapWrite>()
    // Of blocks within each other the longer ones are written first and deleted last: no address is led by others' rows.
    for (const entry of [...this.#tunnels.values()].map(tunnelWrite).sort(byLength).reverse()) put(wanted, entry)
    for (const entries of this.#entries.values()) for (const entry of entries) put(wanted, entry)
    const gone = [...there.values()].filter(
      entry => !wanted.has(nameOf(entry)) && !(this.#keepsOthers && saysWhere(entry)),
    )
    const shortestFirst = [...gone.filter(saysWhere).sort(byLength), ...gone.filter(entry => !saysWhere(entry))]
    return this.#write(there, [
      ...wanted.values(),
      ...shortestFirst.map(({ map, key }) => ({ map, key, value: undefined })),
    ])
  }

  #write(there: Map<string, MapWrite>, asked: readonly MapWrite[]): number {
    const writes = asked.filter(write =>
      write.value === undefined ? there.has(nameOf(write)) : !isSame(there.get(nameOf(write)), write),
    )
    const builder = new BatchBuilder()
    for (const write of writes) builder.add(write)
    this.#there = undefined
    for (const batch of builder.batches()) writeBatch(this.#backend, batch)
    for (const write of writes) {
      if (write.value === undefined) there.delete(nameOf(write))
      else there.set(nameOf(write), write)
    }
    this.#there = there
    return writes.length
  }
}

function put(entries: Map<string, MapWrite>, entry: MapWrite): void {
  entries.set(nameOf(entry), entry)
}

const entriesOf = (identity: number, known: Known): readonly MapWrite[] => [
  markWrite(identity, known.mark),
  fellowWrite(known.mark, known[4], known[6]),
]
