import { counted } from '@weir/core/counted.js'
import { protocolNumbers } from '@weir/core'
import type { PastChange, PastJudgement } from '../../flows/what-if.js'
import type { Colour } from '../terminal.js'

const protocolNames = new Map(Object.entries(protocolNumbers).map(([name, number]) => [number, name]))

/** What recorded flows say of a proposal: each kind of flow that changes, then how many were judged. */
export function pastLines({ flows, disputed, changes }: PastJudgement, colour: Colour): readonly string[] {
  const cut = changes.filter(({ change }) => change === 'newly-denied')
  const sum = (of: readonly PastChange[]): number => of.reduce((total, each) => total + each.flows, 0)
  return [
    '',
    ...changes.flatMap(change => changeLines(change, colour)),
    `${counted(flows, 'recorded flow')} judged: ${sum(cut)} would have been cut, ${sum(changes) - sum(cut)} newly let through`,
    ...(disputed === 0
      ? []
      : [colour.dim(`${disputed} of them were judged otherwise than the log says: as a change took effect`)]),
  ]
}

function changeLines(change: PastChange, colour: Colour): readonly string[] {
  const { from, to, protocol, port, flows, packets, lastMs, before, after } = change
  const verb = change.change === 'newly-denied' ? colour.bad('would cut') : colour.good('would let through')
  const name = protocolNames.get(protocol) ?? String(protocol)
  const what = name.startsWith('ICMP') ? `${name} type ${port >> 8} code ${port & 255}` : `${name} ${port}`
  return [
    `${verb}  ${from} → ${to} ${what}: ${counted(flows, 'flow')}, ${counted(packets, 'packet')}, last seen ${new Date(lastMs).toISOString()}`,
    colour.dim(`  was: ${before.join(', ')}; would be: ${after.join(', ')}`),
  ]
}
