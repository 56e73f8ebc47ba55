import type { LabelMap } from '../identity/labels.js'
import type { Shape } from '../verdict/model.js'
import type { SideExplanation } from './explain.js'
import type { DirectedRules } from './subject-rules.js'

/** A flow as one end's rules can tell it from others. */
export interface SideQuestion {
  readonly rules: DirectedRules
  /** The peer's labels as the subject sees them: an object that never changes, and stands for them as long as it lives. */
  readonly seen: LabelMap
  readonly peerAddress: string
  readonly packet: number
  readonly enforcedHere: boolean
  /** Of the destination, by which named ports are told. */
  readonly ports: Shape['ports']
}

interface Answer {
  readonly enforcedHere: boolean
  readonly ports: Shape['ports'] | undefined
  readonly side: SideExplanation
}

interface Answers {
  setChanges: number
  byPeer: WeakMap<LabelMap, Map<string | number, Answer[]>>
}

/** More ways to ask about one peer are hardly asked twice. */
const keptPerPeer = 4096

/**
 * What rules say of flows, told once for all flows that they can't tell apart: between pods of one shape each, to one port,
 * from one address where blocks are asked for. An answer holds as long as the rules do, and the addresses of sets.
 */
export class SideAnswers {
  readonly #known = new WeakMap<DirectedRules, Answers>()

  /**
   * The answer to a question, from `find` where it wasn't asked before.
   *
   * @param setChanges rises with every change of a set's addresses
   */
  of(question: SideQuestion, setChanges: number, find: () => SideExplanation): SideExplanation {
    const { rules, seen, peerAddress, packet, enforcedHere } = question
    const byKey = this.#ofPeer(rules, seen, setChanges)
    const key = rules.asksAddresses ? `${packet} ${peerAddress}` : packet
    const ports = rules.asksNames ? question.ports : undefined
    let answers = byKey.get(key)
    const known = answers?.find(each => each.enforcedHere === enforcedHere && arePortsAlike(each.ports, ports))
    if (known !== undefined) return known.side
    const side = find()
    if (answers === undefined) {
      if (byKey.size >= keptPerPeer) byKey.clear()
      answers = []
      byKey.set(key, answers)
    }
    answers.push({ enforcedHere, ports, side })
    return side
  }

  #ofPeer(rules: DirectedRules, seen: LabelMap, setChanges: number): Map<string | number, Answer[]> {
    let answers = this.#known.get(rules)
    if (answers === undefined || (rules.asksSets && answers.setChanges !== setChanges)) {
      answers = { setChanges, byPeer: new WeakMap() }
      this.#known.set(rules, answers)
    }
    let byKey = answers.byPeer.get(seen)
    if (byKey === undefined) {
      byKey = new Map()
      answers.byPeer.set(seen, byKey)
    }
    return byKey
  }
}

function arePortsAlike(a: Shape['ports'] | undefined, b: Shape['ports'] | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined || a.size !== b.size) return false
  for (const [name, port] of a) if (b.get(name) !== port) return false
  return true
}
