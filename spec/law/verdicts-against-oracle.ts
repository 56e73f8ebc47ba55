import { Engine } from '@weir/core'
import type { WeirEvent } from '@weir/core/event/event.js'
import { type Verdict, verdicts } from '@weir/core/tables/tables.js'
import { interestingFlows } from '../oracle/generate/flows.js'
import { type Batches, numbered, numberedBatches, reordered } from '../oracle/generate/history.js'
import { clusterOf, decide, type OracleCluster, type OracleFlow } from '../oracle/index.js'
import { verdictByTables, flawsOf } from './verdicts-by-tables.js'

/** How thoroughly a cluster is asked. */
export interface Depth {
  /** Most flows asked after each batch. */
  readonly flows: number
  /** Which of them, should there be more. */
  readonly salt: number
}

/** Compares what the engine, its tables and its explanation say of many flows with what the policies mean. */
export function disagreements(engine: Engine, cluster: OracleCluster, depth: Depth): readonly string[] {
  const found: string[] = []
  for (const flow of interestingFlows(cluster, depth.flows, depth.salt)) {
    const expected = decide(cluster, flow).verdictHere
    const said = word(engine.verdict(flow))
    if (said !== expected) found.push(`verdict of ${text(flow)} is ${said}, the oracle says ${expected}`)
    const held = word(verdictByTables(engine.tables, flow))
    if (held !== expected) found.push(`tables ${held} ${text(flow)}, the oracle says ${expected}`)
    if (found.length > 5) break
  }
  return found
}

/**
 * Feeds the batches one by one and asks after each; the same again at once from the start, and in another order that
 * ends alike. Returns how many states it asked about.
 */
export function checkHistory(batches: Batches, depth: Depth): number {
  const engine = new Engine()
  const seen: WeirEvent[] = []
  for (const batch of numberedBatches(batches)) {
    engine.apply(batch)
    seen.push(...batch)
    report('incrementally', seen, engine, depth)
  }
  const fresh = new Engine()
  fresh.apply(seen)
  report('from scratch', seen, fresh, depth)
  const other = new Engine()
  for (const event of numbered(reordered(batches.flat(), choicesOf(depth.salt)))) other.apply([event])
  for (const again of [fresh, other]) {
    if (again.digest().hex !== engine.digest().hex)
      throw new Error(`digests differ: ${parts(engine)} and ${parts(again)}`)
  }
  return batches.length
}

function report(how: string, seen: readonly WeirEvent[], engine: Engine, depth: Depth): void {
  const wrong = [...flawsOf(engine.tables), ...disagreements(engine, clusterOf(seen), depth)]
  if (wrong.length > 0) throw new Error(`${how}, after event ${seen.length}:\n${wrong.join('\n')}`)
}

/** A row of small numbers that looks random. */
const choicesOf = (salt: number): readonly number[] =>
  Array.from({ length: 24 }, (_, index) => ((salt + 1) * 7919 * (index + 1)) % 31)

const parts = (engine: Engine): string => JSON.stringify(engine.digest().parts)
const word = (verdict: Verdict): string =>
  Object.entries(verdicts).find(([, number]) => number === verdict)?.[0] ?? `verdict ${verdict}`

/** Every event by itself: the finest way a history can arrive. */
export const oneByOne = (batches: Batches): Batches => batches.flat().map(body => [body])

export const text = ({ from, to, protocol, port }: OracleFlow): string =>
  `${from} → ${to} protocol ${protocol} port ${port}`
