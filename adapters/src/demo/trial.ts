import type { Engine } from '@weir/core'
import { type Cell, cellKey } from './cells.js'
import type { Ground, Outcome } from './ground.js'
import type { Oracle } from './oracle.js'

/** A cell with what packets met, what the reference semantics say and what Weir's explanation says. */
export interface Trial {
  readonly cell: Cell
  readonly outcome: Outcome
  readonly expected: boolean
  /** What Weir itself says about the flow. */
  readonly explained: boolean
  /** Rules that decide, as Weir explains them. */
  readonly causes: readonly string[]
  /** Rules that decide, as the reference semantics read them; for disagreements. */
  readonly expectedCauses: readonly string[]
}

export interface Untried {
  readonly cell: Cell
  readonly reason: string
}

/** Tries cells with packets, and asks both Weir and the reference semantics about each. */
export async function tryCells(
  cells: readonly Cell[],
  ground: Ground,
  engine: Engine,
  oracle: Oracle,
  explain: (engine: Engine, cell: Cell) => { readonly allowed: boolean; readonly causes: readonly string[] },
  isOver: () => boolean,
): Promise<{ readonly trials: readonly Trial[]; readonly untried: readonly Untried[] }> {
  const outcomes = await ground.attempt(cells, isOver)
  const trials: Trial[] = []
  const untried: Untried[] = []
  for (const [index, cell] of cells.entries()) {
    const outcome = outcomes[index]
    if (outcome === undefined) {
      const reason = ground.missing.has(cell.protocol)
        ? `no ${cell.protocol} sockets on this machine`
        : 'the time budget is spent'
      untried.push({ cell, reason })
      continue
    }
    const judgement = oracle.judge(engine.state, cell.flow)
    const { allowed, causes } = explain(engine, cell)
    trials.push({
      cell,
      outcome,
      expected: judgement.allowed,
      explained: allowed,
      causes,
      expectedCauses: judgement.causes,
    })
  }
  return { trials, untried }
}

/** Packets, explanation and reference semantics all say the same. */
export function agrees(trial: Trial): boolean {
  return trial.outcome.allowed === trial.expected && trial.explained === trial.expected
}

/** Cells whose verdict differs, and cells that are new. Cells that are gone aren't told. */
export function changesBetween(
  before: readonly Trial[],
  after: readonly Trial[],
): {
  readonly flipped: readonly { readonly before: Trial; readonly after: Trial }[]
  readonly added: readonly Trial[]
} {
  const known = new Map(before.map(trial => [cellKey(trial.cell), trial]))
  const flipped: { before: Trial; after: Trial }[] = []
  const added: Trial[] = []
  for (const trial of after) {
    const old = known.get(cellKey(trial.cell))
    if (old === undefined) added.push(trial)
    else if (old.outcome.allowed !== trial.outcome.allowed) flipped.push({ before: old, after: trial })
  }
  return { flipped, added }
}
