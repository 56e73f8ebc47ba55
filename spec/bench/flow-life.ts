import { parseAddress } from '@weir/core/address/address.js'
import { addressesStride, flowMarks, makeFlowColumns } from '@weir/store/flows/columns.js'
import type { FlowColumns } from '@weir/store'

/** What a node's flows are drawn from. */
export interface FlowLife {
  readonly pods: number
  /** Aggregated flows of a window of ten seconds. */
  readonly rowsPerWindow: number
  /** Events of the log per window: names and rules are found by sequence. */
  readonly eventsPerWindow: number
  readonly seed: number
}

const windowMs = 10_000
/** One flow in so many comes from an address outside that isn't seen again. */
const strangerEvery = 50
const deniedReason = 133

/** A generator of numbers from 0 to 1 that gives the same ones for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** `10.1.0.0` and on. */
export const podAddress = (pod: number): string => `10.1.${pod >> 8}.${pod & 255}`

/**
 * A window of a node's flows: few pods ask often, most seldom; each asks a few servers; one in twenty flows is denied, one
 * in fifty comes from a new address outside.
 *
 * @param number Of the window, from 0.
 */
export function flowWindow(life: FlowLife, number: number): FlowColumns {
  const random = seeded(life.seed + number)
  const columns = makeFlowColumns(life.rowsPerWindow)
  const startMs = 1_700_000_000_000 + number * windowMs
  const [pods, ports] = [life.pods, [80, 443, 5432, 6379, 8080, 9090, 53, 3306]]
  for (let row = 0; row < life.rowsPerWindow; row++) {
    const client = Math.floor(pods * random() ** 3)
    const server = (client * 31 + Math.floor(8 * random() ** 2) * 17) % pods
    const isStranger = row % strangerEvery === 0
    const source = isStranger ? stranger(random) : podAddress(client)
    const isDenied = random() < 0.05
    const port = ports[server % ports.length]!
    const isUdp = port === 53
    columns.addresses.set(parseAddress(source)!.bytes, row * addressesStride)
    columns.addresses.set(parseAddress(podAddress(server))!.bytes, row * addressesStride + 16)
    columns.family[row] = 4
    columns.sourceIdentity[row] = isStranger ? 2 : 256 + (client % 50)
    columns.destinationIdentity[row] = 256 + (server % 50)
    columns.protocol[row] = isUdp ? 17 : 6
    columns.port[row] = port
    columns.verdict[row] = isDenied ? 1 : 0
    columns.reason[row] = isDenied ? deniedReason : 0
    columns.marks[row] = flowMarks.ingress
    columns.tcpFlags[row] = isUdp ? 0 : 2
    const packets = 1 + Math.floor(20 * random() ** 4)
    columns.packets[row] = packets
    columns.bytes[row] = packets * (isUdp ? 70 + Math.floor(30 * random()) : 60)
    columns.firstMs[row] = startMs + Math.floor((row * windowMs) / life.rowsPerWindow)
    columns.lastMs[row] = packets === 1 ? columns.firstMs[row]! : columns.firstMs[row]! + Math.floor(9000 * random())
    columns.seq[row] = 1 + number * life.eventsPerWindow + Math.floor((row * life.eventsPerWindow) / life.rowsPerWindow)
  }
  columns.count = life.rowsPerWindow
  return columns
}

const stranger = (random: () => number): string =>
  [203, 0, 0, 0].map((byte, at) => (at === 0 ? byte : Math.floor(random() * 256))).join('.')
