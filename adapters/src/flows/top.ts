import type { FlowEnd, FlowRecord } from '../agent/protocol.js'

/** What flows are taken together by. */
export const topFields = ['endpoint', 'pair', 'port', 'verdict', 'service'] as const
export type TopField = (typeof topFields)[number]

/** What they are ranked by. */
export const topMetrics = ['packets', 'bytes', 'flows'] as const
export type TopMetric = (typeof topMetrics)[number]

/** What was told of flows: packets and bytes of those packets, not of all. */
export interface FlowSums {
  readonly packets: number
  readonly bytes: number
  /** Aggregated flows. */
  readonly flows: number
}

/** Flows that are alike in what was asked for. */
export interface TopRow extends FlowSums {
  /**
   * `shop/web` or an address; `shop/web → shop/cart`, from the end that opened the flow; `8080/TCP`; `denied (Policy
   * denied)`; `shop/web`, or '' for what goes to no service.
   */
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly firstMs: number
  readonly lastMs: number
}

export interface TopFlows {
  readonly by: TopField
  readonly metric: TopMetric
  /** Of all flows that were asked about, each counted once. */
  readonly total: FlowSums
  /** The largest first. */
  readonly rows: readonly TopRow[]
  /** Rows that there are besides. */
  readonly left: number
}

/** `shop/web-0`, or the address of whoever has no name. */
export const endName = ({ pod, namespace, address }: FlowEnd): string =>
  pod === undefined ? address : `${namespace}/${pod}`

/**
 * Sums flows up and ranks the sums. By endpoint, a flow counts for either of its ends.
 *
 * @param limit Most rows.
 */
export async function topFlows(
  flows: AsyncIterable<FlowRecord>,
  { by, metric, limit }: { readonly by: TopField; readonly metric: TopMetric; readonly limit: number },
): Promise<TopFlows> {
  const sums = new Map<string, Mutable<TopRow>>()
  const total = { packets: 0, bytes: 0, flows: 0 }
  for await (const flow of flows) {
    addTo(total, flow)
    for (const name of namesOf(by, flow)) {
      let row = sums.get(name)
      if (row === undefined) {
        row = { name, packets: 0, bytes: 0, flows: 0, firstMs: flow.time, lastMs: flow.time }
        sums.set(name, row)
      }
      addTo(row, flow)
      row.firstMs = Math.min(row.firstMs, flow.time)
      row.lastMs = Math.max(row.lastMs, flow.lastTime ?? flow.time)
    }
  }
  const ranked = [...sums.values()].sort((a, b) => b[metric] - a[metric] || (a.name < b.name ? -1 : 1))
  return { by, metric, total, rows: ranked.slice(0, limit), left: Math.max(0, ranked.length - limit) }
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

function addTo(sums: Mutable<FlowSums>, { packets = 1, sizeBytes = 0 }: FlowRecord): void {
  sums.packets += packets
  sums.bytes += sizeBytes
  sums.flows++
}

function namesOf(by: TopField, flow: FlowRecord): readonly string[] {
  const { source, destination, isReply, verdict, reason } = flow
  const [opener, opened] = isReply ? [destination, source] : [source, destination]
  switch (by) {
    case 'endpoint': {
      const names = [endName(source), endName(destination)]
      return names[0] === names[1] ? names.slice(1) : names
    }
    case 'pair':
      return [`${endName(opener)} → ${endName(opened)}`]
    case 'port':
      return [portName(flow, opened)]
    case 'verdict':
      return [reason === '' ? verdict : `${verdict} (${reason})`]
    case 'service': {
      const service = isReply ? flow.source_service : flow.destination_service
      return [service === undefined ? '' : `${service.namespace}/${service.name}`]
    }
  }
}

/** `8080/TCP`; of ICMP, its type and code; of what has no ports, the protocol. */
function portName({ protocol, detail }: FlowRecord, { port }: FlowEnd): string {
  if (protocol.startsWith('ICMP')) return `${protocol} ${detail ?? ''}`.trimEnd()
  return port === undefined || port === 0 ? protocol : `${port}/${protocol}`
}
