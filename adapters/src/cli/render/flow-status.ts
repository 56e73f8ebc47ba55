import { counted } from '@weir/core/counted.js'
import type { StatusReport } from '../../agent/protocol.js'

/** What was seen of packets, what was left out, and how far back history goes. */
export function flowStatusLines({ flows, backend: { tallies } }: StatusReport): readonly string[] {
  const { events_suppressed: suppressed = 0, events_lost: lost = 0 } = tallies
  const { history } = flows
  return [
    `Flows      ${flows.seen} seen, ${flows.kept} kept, ${flows.lost} lost; not told by the datapath: ` +
      `${suppressed} over its rate, ${lost} lost`,
    ...(history === undefined
      ? []
      : [
          `History    ${counted(history.rows, 'aggregated flow')}; of ${counted(history.packets, 'packet')}, ${history.lostPackets} lost; ` +
            `${(history.sizeBytes / 2 ** 20).toFixed(1)} MiB in ${history.folder}${sinceText(history.oldestMs)}`,
        ]),
  ]
}

/** What of flow history isn't as it should be. */
export function flowTroubles({ flows: { history } }: StatusReport): readonly string[] {
  return history?.failing === undefined ? [] : [`flow history isn't kept: ${history.failing}`]
}

const sinceText = (ms: number | undefined): string => (ms === undefined ? '' : `, since ${new Date(ms).toISOString()}`)
