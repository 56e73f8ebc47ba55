import { counted } from '@weir/core/counted.js'
import type { Uncovered } from '@weir/core/compare/compare.js'
import type { FlowChange } from '@weir/core/compare/lines.js'
import { type Outcome, outcomeText } from '@weir/core/compare/outcome.js'
import { nodeProspectText, partyText, prospectText } from '@weir/core/compare/parties.js'
import { portsText } from '@weir/core/compare/port-text.js'
import type { Colour } from '../terminal.js'

/** Where the rules of an outcome stand: `web.yaml:3`; nothing when nobody knows. */
export type PlaceOf = (seq: number) => string | undefined

/** `payments/web → orders/db : tcp/5432  allowed → denied  by …`, with what decided before below it. */
export function changeLines(changes: readonly FlowChange[], places: Places, colour: Colour): readonly string[] {
  return changes.flatMap(change => {
    const { from, to, ports, families, before, after } = change
    const ends = `${from.map(partyText).join(', ')} → ${to.map(partyText).join(', ')}`
    const family = families.length === 1 && bothFamilies(change) ? ` (IPv${families[0]} only)` : ''
    return [
      `${ends} : ${portsText(ports)}${namesText(change)}${family}  ${verdict(before, colour)} → ${verdict(after, colour)}  by ${why(after, places.after)}`,
      colour.dim(`    before: ${why(before, places.before)}`),
    ]
  })
}

/** Pods and nodes to come that were not looked into, and the bound that was reached. */
export function uncoveredLines(uncovered: readonly Uncovered[], colour: Colour): readonly string[] {
  return uncovered.flatMap(({ direction, role, selectors, limit }) => [
    colour.bad(`not covered: ${roleTexts[role](direction)}: there are more than ${limit} kinds of them`),
    ...selectors.map(selector => `    ${role === 'node' ? nodeProspectText(selector) : prospectText(selector, [])}`),
  ])
}

const roleTexts: Readonly<Record<Uncovered['role'], (direction: Uncovered['direction']) => string>> = {
  subject: direction => `some pods to come that ${direction} rules select`,
  peer: direction => `some pods to come at the other end of ${direction} rules that change`,
  names: direction => `ports of some pods to come that several names of ${direction} rules may mean at once`,
  node: direction => `some nodes to come that ${direction} rules tell apart`,
  both: direction => `traffic of some pods to come that ${direction} rules select with other pods to come`,
}

/** What the ports of a pod to come must be named, or not be named. */
function namesText({ portNames }: FlowChange): string {
  if (portNames === undefined) return ''
  const { has, lacks } = portNames
  const parts = [
    has.length === 0 ? '' : `named ${has.join(' and ')}`,
    has.length > 0 ? '' : `not named ${lacks.join(' or ')}`,
  ]
  return ` (${parts.filter(part => part !== '').join(', ')})`
}

export interface Places {
  readonly before: PlaceOf
  readonly after: PlaceOf
}

/** What is counted: lines of each kind. */
export function changeSummary(changes: readonly FlowChange[]): string {
  const count = (kind: FlowChange['change']): number => changes.filter(({ change }) => change === kind).length
  if (changes.length === 0) return 'no flow changes its verdict'
  const parts = [
    `${count('newly-denied')} newly denied`,
    `${count('newly-allowed')} newly allowed`,
    `${count('changed-l7')} with other L7 rules`,
  ]
  return `${counted(changes.length, 'set of flows changes', 'sets of flows change')}: ${parts.join(', ')}`
}

function verdict({ allowed, l7 }: Outcome, colour: Colour): string {
  if (allowed) return colour.good('allowed')
  return colour.bad(l7 === undefined ? 'denied' : 'denied (L7 rules, no proxy)')
}

function why(outcome: Outcome, placeOf: PlaceOf): string {
  const seqs = new Set(outcome.causes.flatMap(({ origins }) => origins.map(({ seq }) => seq)))
  const found = [...new Set([...seqs].flatMap(seq => placeOf(seq) ?? []))]
  return outcomeText(outcome) + (found.length === 0 ? '' : ` (${found.join(', ')})`)
}

/** Worlds and nodes may have one family; a change of one family of pods' flows is worth saying. */
const bothFamilies = ({ from, to }: FlowChange): boolean => [...from, ...to].every(({ kind }) => kind !== 'world')
