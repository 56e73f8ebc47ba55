import { readFileSync } from 'node:fs'

/** Ports from `first` to `last`. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

const usable: PortRange = { first: 1024, last: 65_535 }
const nodePorts: PortRange = { first: 30_000, last: 32_767 }
/** The kernel's own default. */
const localDefault: PortRange = { first: 32_768, last: 60_999 }

/**
 * The ports for flows that get another one by translation: the longest run that holds none that the node's own
 * connections get from the kernel, and no node port. So no connection of the node's meets one of these later.
 */
export function natPorts(local: PortRange = localPorts()): PortRange {
  const taken = [nodePorts, local].sort((a, b) => a.first - b.first)
  let best: PortRange | undefined
  let first = usable.first
  const offer = (last: number): void => {
    if (last >= first && (best === undefined || last - first > best.last - best.first)) best = { first, last }
  }
  for (const range of taken) {
    offer(Math.min(usable.last, range.first - 1))
    first = Math.max(first, range.last + 1)
  }
  offer(usable.last)
  // Where the kernel's range leaves nothing, a port that is taken shows when it is tried.
  return best ?? usable
}

/** What else uses ports of a range: nothing of it is lost, but a port that is taken shows only when it is tried. */
export function natPortOverlaps(range: PortRange, local: PortRange = localPorts()): readonly string[] {
  const meets = (other: PortRange): boolean => range.first <= other.last && other.first <= range.last
  return [
    ...(meets(local) ? [`the kernel's own ${local.first}-${local.last} (net.ipv4.ip_local_port_range)`] : []),
    ...(meets(nodePorts) ? [`node ports ${nodePorts.first}-${nodePorts.last}`] : []),
  ]
}

function localPorts(): PortRange {
  try {
    const [first, last] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number)
    return first === undefined || last === undefined ? localDefault : { first, last }
  } catch {
    return localDefault
  }
}
