import { Engine } from '@weir/core'
import type { WeirEvent } from '@weir/core/event/event.js'
import { verdicts } from '@weir/core/tables/tables.js'
import { interestingFlows } from '../oracle/generate/flows.js'
import { type Batches, numberedBatches } from '../oracle/generate/history.js'
import { clusterOf, decide, type OracleCluster, type OracleFlow } from '../oracle/index.js'
import { allowedByTables, flawsOf } from './verdicts-by-tables.js'

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
    const expected = decide(cluster, flow).allowedHere
    const said = engine.verdict(flow) === verdicts.allow
    if (said !== expected) found.push(`verdict of ${text(flow)} is ${word(said)}, the oracle says ${word(expected)}`)
    const held = allowedByTables(engine.tables, flow)
    if (held !== expected) found.push(`tables ${word(held)} ${text(flow)}, the oracle says ${word(expected)}`)
    if (found.length > 5) break
  }
  return found
}

/** Feeds the batches one by one and asks after each; the same again at once from the start. */
export function checkHistory(batches: Batches, depth: Depth): void {
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
  if (fresh.digest().hex !== engine.digest().hex)
    throw new Error(`digests differ: ${parts(engine)} and ${parts(fresh)}`)
}

function report(how: string, seen: readonly WeirEvent[], engine: Engine, depth: Depth): void {
  const wrong = [...flawsOf(engine.tables), ...disagreements(engine, clusterOf(seen), depth)]
  if (wrong.length > 0) throw new Error(`${how}, after event ${seen.length}:\n${wrong.join('\n')}`)
}

const parts = (engine: Engine): string => JSON.stringify(engine.digest().parts)
const word = (allowed: boolean): string => (allowed ? 'allow' : 'deny')

export const text = ({ from, to, protocol, port }: OracleFlow): string =>
  `${from} → ${to} protocol ${protocol} port ${port}`
