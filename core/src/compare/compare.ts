import { entryOf } from '../multimap.js'
import type { Intervals } from '../verdict/intervals.js'
import { classesOf, type EndClass, rowOf, sameRules } from './classes.js'
import { type Readable, readingOf } from './ends.js'
import { linesOf, type FlowChange } from './lines.js'
import { meetings, type Outcome, outcomesOf, outcomeText } from './outcome.js'
import { type Pair, pairsOf } from './pairs.js'

export type ChangeKind = 'newly-allowed' | 'newly-denied' | 'changed-l7'

/** Packet keys that change alike, by the same rules before and after. */
export interface Difference {
  readonly change: ChangeKind
  readonly keys: Intervals
  readonly before: Outcome
  readonly after: Outcome
}

/** What changes between the members of two classes. */
export interface PairChange extends Pair {
  readonly differences: readonly Difference[]
}

/**
 * The flows whose verdict differs between two states: every protocol and port from everybody to everybody, by classes
 * and not by trying some. Exact over the pods, nodes and prefixes of either state; pods that rules name and that aren't
 * there are taken one selector at a time, with no other labels than it asks for.
 *
 * Pods and nodes are the same in both states when their names are. One that is in a single state is judged in the other
 * as if it were there too, so that what is told is what policies change. A pod without an address is taken to have one
 * that no rule names.
 * @returns lines for readers, those with most flows first
 */
export function compareStates(before: Readable, after: Readable): FlowChange[] {
  const classes = classesOf([readingOf(before), readingOf(after)])
  return linesOf(changesBetween(classes), classes)
}

/** The same, class by class. */
export const pairChanges = (before: Readable, after: Readable): PairChange[] =>
  changesBetween(classesOf([readingOf(before), readingOf(after)]))

function changesBetween(classes: readonly EndClass[]): PairChange[] {
  const senders = new Set(classes.filter(each => !each.steady || !sameRules(each, 'egress')))
  const receivers = new Set(classes.filter(each => !each.steady || !sameRules(each, 'ingress')))
  const changes: PairChange[] = []
  for (const from of classes) {
    for (const to of senders.has(from) ? classes : receivers) {
      for (const pair of pairsOf(from, to, 2)) {
        const differences = differencesOf(pair)
        if (differences.length > 0) changes.push({ ...pair, differences })
      }
    }
  }
  return changes
}

function differencesOf({ from, to, own }: Pair): Difference[] {
  const [egressBefore, egressAfter] = sides('egress', from, to, own)
  const [ingressBefore, ingressAfter] = sides('ingress', to, from, own)
  if (egressBefore.text === egressAfter.text && ingressBefore.text === ingressAfter.text) return []
  const found = new Map<string, { change: ChangeKind; keys: number[]; before: Outcome; after: Outcome }>()
  const a = outcomesOf(egressBefore, ingressBefore)
  const b = outcomesOf(egressAfter, ingressAfter)
  for (const [first, last, { outcome: before }, { outcome: after }] of meetings(a, b)) {
    const change = changeOf(before, after)
    if (change === undefined) continue
    const key = `${change}\n${outcomeText(before)}\n${outcomeText(after)}\n${before.l7}\n${after.l7}`
    const { keys } = entryOf(found, key, () => ({ change, keys: [], before, after }))
    if (keys.at(-1) === first - 1) keys[keys.length - 1] = last
    else keys.push(first, last)
  }
  return [...found.values()]
}

function sides(direction: 'ingress' | 'egress', subject: EndClass, peer: EndClass, own: readonly boolean[]) {
  return [rowOf(0, direction, subject, peer, own[0]!), rowOf(1, direction, subject, peer, own[1]!)] as const
}

function changeOf(before: Outcome, after: Outcome): ChangeKind | undefined {
  if (before.allowed !== after.allowed) return after.allowed ? 'newly-allowed' : 'newly-denied'
  return before.l7 !== after.l7 ? 'changed-l7' : undefined
}
