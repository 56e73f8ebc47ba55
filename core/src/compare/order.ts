import type { FlowChange } from './lines.js'
import { partyText } from './parties.js'

const ranks = { 'newly-denied': 0, 'newly-allowed': 1, 'changed-l7': 2 } as const

/** Denials first: they break what works; those of who is there before those of pods to come; then by name. */
export function classOrder(a: FlowChange, b: FlowChange): number {
  return ranks[a.change] - ranks[b.change] || comingOf(a) - comingOf(b) || compare(endsText(a), endsText(b))
}

const comingOf = ({ from, to }: FlowChange): number =>
  Number(from.every(({ kind }) => kind === 'selector') || to.every(({ kind }) => kind === 'selector'))

const endsText = ({ from, to }: FlowChange): string => `${from.map(partyText).join()} ${to.map(partyText).join()}`
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
