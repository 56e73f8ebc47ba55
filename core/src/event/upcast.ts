import { WeirError } from '../errors.js'
import { type EventDraft, eventSchemaVersion } from './event.js'

/** What a record of some older schema version holds: plain data, without `seq`. */
export type OldRecord = Readonly<Record<string, unknown>>

/** Turns a record of version n into one of version n + 1. Pure, and never changes its argument. */
export type Lift = (record: OldRecord) => OldRecord

/** Takes a record as some version wrote it and returns it as the current version would have. */
export type Upcast = (version: number, record: unknown) => EventDraft

/**
 * Composes lifts into an upcast to `current`; `lifts.get(n)` leads from version n to n + 1.
 *
 * A gap in the chain is a mistake of the build, found here and not years later in somebody's log. The returned function
 * throws `WEIR_EVENT_VERSION` for a version above `current` or below the oldest lift.
 */
export function composeUpcast(lifts: ReadonlyMap<number, Lift>, current: number): Upcast {
  const oldest = lifts.size === 0 ? current : Math.min(...lifts.keys())
  const chain: Lift[] = []
  for (let version = oldest; version < current; version++) {
    const lift = lifts.get(version)
    if (lift === undefined) throw new RangeError(`no lift from event schema version ${version} to ${version + 1}`)
    chain.push(lift)
  }
  if (chain.length !== lifts.size) throw new RangeError(`a lift starts at or above the current version ${current}`)
  return (version, record) => {
    if (version === current) return record as EventDraft
    if (version > current || version < oldest) {
      throw new WeirError(
        'WEIR_EVENT_VERSION',
        `a record has event schema version ${version}; this build reads ${oldest} to ${current}`,
        { version, supported: current },
      )
    }
    let lifted = record as OldRecord
    for (let at = version; at < current; at++) lifted = (chain[at - oldest] as Lift)(lifted)
    return lifted as unknown as EventDraft
  }
}

/** The slices of version 1 listed the addresses that may carry traffic, and nothing of their endpoints. */
const endpointsOfAddresses: Lift = record => {
  if (record.kind !== 'endpointslice.upserted') return record
  const { addresses, ports, ...slice } = record.slice as OldSlice
  const endpoints = addresses.map(address => ({ addresses: [address], ready: true, serving: true, terminating: false }))
  return { ...record, slice: { ...slice, endpoints, ports } }
}

interface OldSlice {
  readonly addresses: readonly string[]
  readonly ports: readonly unknown[]
}

/** Version 3 has kinds that version 2 didn't know, and nothing else. */
const kindsBesides: Lift = record => record

/** Version 4 may say of a policy that it is staged: a build that doesn't know that would put it into force. */
const nothingStaged: Lift = record => record

/** Version 5 may say who changed an object, and knows the addresses of containers: of older records nobody does. */
const nobodyNamed: Lift = record => record

/** The lifts that this build has, by the version that they start from. */
export const eventLifts: ReadonlyMap<number, Lift> = new Map([
  [1, endpointsOfAddresses],
  [2, kindsBesides],
  [3, nothingStaged],
  [4, nobodyNamed],
])

export const upcastEvent: Upcast = composeUpcast(eventLifts, eventSchemaVersion)
