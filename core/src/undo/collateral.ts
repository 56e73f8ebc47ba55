import type { Comparison } from '../compare/compare.js'
import type { FlowChange } from '../compare/lines.js'
import type { Party } from '../compare/parties.js'
import type { Explanation } from '../explain/explain.js'

/** A flow that is to change. */
export type MeantChange = Pick<Explanation, 'from' | 'to' | 'flow'>

/** How much else changes with flows that are meant to. */
export interface Collateral {
  /** Between those who are there. */
  readonly now: number
  /** With pods and nodes that may come. */
  readonly toCome: number
}

/**
 * For each set of flows that changes the pairs of its ends, without those that are meant to: once for the one port that
 * was asked about, twice where there are others. An end outside is a block of addresses.
 */
export function collateralOf({ changes }: Pick<Comparison, 'changes'>, meant: readonly MeantChange[]): Collateral {
  let [now, toCome] = [0, 0]
  for (const change of changes) {
    const pairs = pairsOf(change)
    const factor = isOnePort(change, meant) ? 1 : 2
    toCome += factor * (pairs.all - pairs.there)
    now += Math.max(0, factor * pairs.there - meantIn(change, meant))
  }
  return { now, toCome }
}

/** Whether a set of flows has none but those that are meant. */
export function isMeantAlone(change: FlowChange, meant: readonly MeantChange[]): boolean {
  const { now, toCome } = collateralOf({ changes: [change] }, meant)
  return now + toCome === 0
}

function pairsOf({ from, to }: FlowChange): { readonly all: number; readonly there: number } {
  const count = (parties: readonly Party[]): number => parties.reduce((sum, party) => sum + membersOf(party), 0)
  const isThere = ({ selector }: Party): boolean => selector === undefined
  return { all: count(from) * count(to), there: count(from.filter(isThere)) * count(to.filter(isThere)) }
}

/** More than one address counts twice, however many they are. */
const membersOf = ({ kind, name, pods }: Party): number =>
  kind === 'world' ? (/^[\d.]+\/32$|\/128$/.test(name) ? 1 : 2) : Math.max(1, pods.length)

const isOnePort = ({ ports: [range, ...more] }: FlowChange, meant: readonly MeantChange[]): boolean =>
  more.length === 0 &&
  meant.some(
    ({ flow: { protocol, port } }) => range?.protocols[0] === protocol && range.ports.every(each => each === port),
  )

/** The pairs of ends that are meant to change. */
function meantIn({ from, to }: FlowChange, meant: readonly MeantChange[]): number {
  return new Set(
    meant
      .filter(flow => isAmong(flow.from, from) && isAmong(flow.to, to))
      .map(flow => `${flow.from.name} ${flow.to.name} ${flow.flow.port}`),
  ).size
}

function isAmong({ kind, name }: Explanation['from'], parties: readonly Party[]): boolean {
  if (kind === 'pod') return parties.some(({ pods }) => pods.includes(name))
  if (kind === 'world') return parties.some(party => party.kind === 'world')
  return parties.some(party => party.kind === 'host' || party.kind === 'remote-node')
}
