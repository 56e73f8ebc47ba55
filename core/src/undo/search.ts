import { compareStates } from '../compare/compare.js'
import type { FlowChange } from '../compare/lines.js'
import type { Engine } from '../engine.js'
import type { EventBody, ObjectKey, WeirEvent } from '../event/event.js'
import type { SupposedFlow } from '../explain/explain.js'
import { canonicalJson } from '../json.js'
import { bodyInForce, endOf } from '../state/in-force.js'
import { type ClusterState, refusalKey } from '../state/state.js'
import type { Candidate } from './candidate.js'
import { changesFor } from './candidates.js'
import { collateralOf, isMeantAlone } from './collateral.js'
import { puttingBack } from './put-back.js'

/** What is to be undone. */
export interface UndoQuestion {
  /** The state to change; it stays as it is. */
  readonly bad: Engine
  /** One in which it was well. */
  readonly good: ClusterState
  /** The objects whose change may have broken it: that which the event is about, and what made it. */
  readonly objects: readonly ObjectKey[]
  /** What is judged otherwise in the bad state, as far as somebody is there to be judged. */
  readonly flows: readonly SupposedFlow[]
  /** Whether a state is as it is meant to be. */
  isUndone(engine: Engine): boolean
  /** What follows from a fact in a cluster, such as a service's endpoints; nothing where absent. */
  follow?(state: ClusterState, body: EventBody): readonly EventBody[]
}

/** A change after which all is as it is meant to be: it was tried. */
export interface Undo extends Candidate {
  /** What else is judged otherwise then. */
  readonly others: readonly FlowChange[]
}

export interface UndoSearch {
  /** The smallest; absent where none undoes it. */
  readonly undo?: Undo
  /** How many changes were tried, and how many of them undo it. */
  readonly tried: number
  readonly undoing: number
}

/** Changes that are tried at most, and of those that undo it, how many the states are compared for. */
const triedMost = 400
const comparedMost = 24

/**
 * The smallest change of one object after which flows are judged as they are meant to be: with the fewest other flows
 * of those who are there that are judged otherwise, then of the fewest lines, then with the fewest flows of pods to come.
 */
export function findUndo(question: UndoQuestion): UndoSearch {
  const { bad } = question
  const candidates = candidatesOf(question)
  const trial = new Trial(question)
  const undoing = candidates
    .filter(candidate => trial.of(candidate, engine => question.isUndone(engine)))
    .map((candidate, at) => ({ candidate, at }))
    .sort((a, b) => a.candidate.lines - b.candidate.lines || a.at - b.at)
  const meant = question.flows.map(flow => bad.explain(flow))
  const ranked = undoing
    .slice(0, comparedMost)
    .map(({ candidate, at }) => {
      const comparison = trial.of(candidate, engine => compareStates(bad, engine))
      return { candidate, at, comparison, beside: collateralOf(comparison, meant) }
    })
    .sort(
      (a, b) =>
        a.beside.now - b.beside.now ||
        a.candidate.lines - b.candidate.lines ||
        a.beside.toCome - b.beside.toCome ||
        a.at - b.at,
    )
  const [best] = ranked
  const counts = { tried: candidates.length, undoing: undoing.length }
  if (best === undefined) return counts
  const others = best.comparison.changes.filter(change => !isMeantAlone(change, meant))
  return { undo: { ...best.candidate, others }, ...counts }
}

/** Each change once. */
function candidatesOf({ bad, good, objects, flows }: UndoQuestion): readonly Candidate[] {
  const all = [
    ...objects.flatMap(object => puttingBack(good, bad.state, object)),
    ...flows.flatMap(flow => changesFor(bad, flow)),
  ]
  const once = new Map<string, Candidate>()
  for (const candidate of all) {
    const text = `${refusalKey(candidate.object)} ${canonicalJson(candidate.after ?? null)}`
    if (!once.has(text)) once.set(text, candidate)
  }
  return [...once.values()].slice(0, triedMost)
}

/**
 * A state on which changes are tried one after the other: each is taken back by the event that says what was before, for
 * a state is what its events say and not how often they said it.
 */
class Trial {
  readonly #question: UndoQuestion
  readonly #engine: Engine

  constructor(question: UndoQuestion) {
    this.#question = question
    this.#engine = question.bad.fork()
  }

  of<Result>({ object, body }: Candidate, look: (engine: Engine) => Result): Result {
    const { bad, follow } = this.#question
    fold(this.#engine, [body])
    const more = follow?.(this.#engine.state, body) ?? []
    try {
      if (more.length === 0) return look(this.#engine)
      const engine = this.#engine.fork()
      fold(engine, more)
      return look(engine)
    } finally {
      const back = bodyInForce(bad.state, object) ?? endOf(object)
      if (back !== undefined) fold(this.#engine, [back])
    }
  }
}

function fold(engine: Engine, bodies: readonly EventBody[]): void {
  engine.fold(bodies.map((body, at): WeirEvent => ({ ...body, seq: engine.seq + 1 + at, time: 0, source: 'undo' })))
}
