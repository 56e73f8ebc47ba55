import type { BackendRow, ServiceTables } from '@weir/core'
import type { Change } from '@weir/core/tables/tables.js'
import type { Backend, BackendMap } from '@weir/datapath/backend.js'
import { type Connection, connectionsWhere, placeText } from '@weir/datapath/services/connections.js'
import { destroySocketsIn } from 'netns-napi'
import { Namespaces } from '../network/namespaces.js'
import type { Clock } from './clock.js'

/** Sockets ended in one turn. */
const perTurn = 64
/** Rows of tables read in one turn. */
const rowsPerTurn = 4096

export interface ConnectionCloserOptions {
  /** weir_connections */
  readonly map: BackendMap
  /** Files of namespaces by their numbers; those that can't be found are left out. */
  namespaces(cookies: ReadonlySet<bigint>): Promise<ReadonlyMap<bigint, string>>
  /** How many were ended. Throws where the machine can't. */
  destroy(netns: string, protocol: Connection['protocol'], cookies: readonly bigint[]): number
  report(message: string): void
  /** Lets other work be done. */
  nextTurn(): Promise<unknown>
}

/**
 * Ends the connections of processes to backends that went, so that nobody waits for an answer of somebody who isn't
 * there. Those to backends that only take no new connections go on.
 */
export class ConnectionCloser {
  readonly #options: ConnectionCloserOptions
  /** Places that went and whose connections aren't looked for yet. */
  readonly #waiting = new Set<string>()
  /** Places that came while connections were looked for. */
  readonly #back = new Set<string>()
  #work: Promise<void> = Promise.resolve()
  #isAsked = false
  #closed = 0
  #failing: string | undefined
  #ended = false

  constructor(options: ConnectionCloserOptions) {
    this.#options = options
  }

  /** Connections ended so far. */
  get closed(): number {
    return this.#closed
  }

  /** Why the last ones couldn't be ended. */
  get failing(): string | undefined {
    return this.#failing
  }

  /** Resolves when nothing is being looked for. */
  get settled(): Promise<void> {
    return this.#work
  }

  /**
   * Looks for what went while no agent ran: connections of services that are there to backends that aren't.
   * @param tables once all is known that sources had to say at the start
   */
  start({ frontends, backends }: ServiceTables): void {
    this.#then(async () => {
      const there = await this.#placesOf(backends)
      const served = await this.#placesOf(frontends)
      await this.#close((backend, frontend) => !there.has(backend) && served.has(frontend()))
    })
  }

  apply(changes: readonly Change<BackendRow>[]): void {
    for (const { before, after } of changes)
      if (before !== undefined && after === undefined) this.#waiting.add(placeText(before))
    for (const { after } of changes) {
      if (after === undefined) continue
      const place = placeText(after)
      this.#waiting.delete(place)
      this.#back.add(place)
    }
    if (this.#waiting.size === 0 || this.#isAsked) return
    this.#isAsked = true
    this.#then(async () => {
      this.#isAsked = false
      const places = new Set(this.#waiting)
      this.#waiting.clear()
      await this.#close(backend => places.has(backend))
    })
  }

  /** What is under way ends with its next step. */
  close(): void {
    this.#ended = true
  }

  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      try {
        this.#back.clear()
        if (!this.#ended) await work()
        this.#failing = undefined
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        if (reason !== this.#failing) this.#options.report(`connections to backends that went stay open: ${reason}`)
        this.#failing = reason
      }
    })
  }

  async #close(isMeant: (backend: string, frontend: () => string) => boolean): Promise<void> {
    const { map, namespaces, destroy, nextTurn } = this.#options
    const steps = connectionsWhere(map, isMeant)
    let step = steps.next()
    while (step.done !== true) {
      await nextTurn()
      if (this.#ended) return
      step = steps.next()
    }
    if (step.value.length === 0) return
    const paths = await namespaces(new Set(step.value.map(({ netns }) => netns)))
    for (const group of grouped(step.value)) {
      const { netns, protocol } = group[0]!
      const path = paths.get(netns)
      for (let from = 0; from < group.length && !this.#ended; from += perTurn) {
        const some = group.slice(from, from + perTurn).filter(({ backend }) => !this.#back.has(backend))
        if (path !== undefined && some.length > 0)
          this.#closed += destroy(
            path,
            protocol,
            some.map(({ cookie }) => cookie),
          )
        for (const { key } of some) map.delete(key)
        await nextTurn()
      }
    }
  }

  async #placesOf(
    rows: Iterable<readonly [unknown, Pick<BackendRow, 'address' | 'port' | 'protocol'>]>,
  ): Promise<ReadonlySet<string>> {
    const places = new Set<string>()
    let count = 0
    for (const [, row] of rows) {
      places.add(placeText(row))
      count += 1
      if (count % rowsPerTurn === 0) await this.#options.nextTurn()
    }
    return places
  }
}

/** By namespace and protocol. */
function grouped(connections: readonly Connection[]): Iterable<readonly Connection[]> {
  const groups = new Map<string, Connection[]>()
  for (const connection of connections) {
    const key = `${connection.netns} ${connection.protocol}`
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push(connection)
  }
  return groups.values()
}

/** In memory there are no sockets to be ended. */
export function createConnectionCloser(
  { kind, maps }: Backend,
  netns: string | undefined,
  clock: Clock,
  report: (message: string) => void,
): ConnectionCloser {
  const namespaces = new Namespaces(netns === undefined ? [] : [netns])
  return new ConnectionCloser({
    map: maps.weir_connections,
    namespaces: async cookies => (kind === 'memory' ? new Map() : namespaces.find(cookies)),
    destroy: destroySocketsIn,
    report,
    nextTurn: () => clock.nextTurn(),
  })
}
