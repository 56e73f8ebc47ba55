import { compareRules } from './evaluate.js'
import { portKey, type CompiledRule, type Shape, type SubjectData } from './model.js'
import { Partition, type PartitionChange, type Placement } from './partition.js'
import type { RuleSet } from './rule-set.js'

/** Shapes that are judged, by the rules that select them. */
export class Subjects {
  readonly partition = new Partition<Shape, SubjectData>(shape => shape.judged.size)
  readonly #rules: RuleSet

  constructor(rules: RuleSet) {
    this.#rules = rules
  }

  /** The first of the shape is judged. */
  add(shape: Shape): void {
    this.#rules.addShape(shape)
  }

  /** None of the shape is judged any more. */
  remove(shape: Shape): void {
    this.#rules.removeShape(shape)
    this.partition.remove(shape)
  }

  settle(): PartitionChange<Shape, SubjectData> {
    const placements = new Map<Shape, Placement<SubjectData>>()
    for (const shape of this.#rules.dirtyShapes) {
      if (shape.judged.size > 0) placements.set(shape, subjectOf(shape, this.#rules.rulesOf(shape)))
    }
    this.#rules.dirtyShapes.clear()
    return this.partition.assign(placements)
  }
}

/** What makes those of a shape one subject with others: rules, and their own numbers for the names in ingress rules. */
export function subjectOf(shape: Shape, rules: readonly CompiledRule[]): Placement<SubjectData> {
  const resolution = new Map<string, number>()
  for (const { rule, names } of rules) {
    if (rule.direction !== 'ingress') continue
    for (const { name, protocol } of names) {
      const key = portKey(protocol, name)
      const number = shape.ports.get(key)
      if (number !== undefined) resolution.set(key, number)
    }
  }
  const ids = rules.map(({ id }) => id).sort((a, b) => a - b)
  const resolved = [...resolution].map(([key, number]) => `${key}=${number}`).sort()
  const sorted = [...rules].sort((a, b) => compareRules(a.rule, b.rule) || (a.text < b.text ? -1 : 1))
  return { key: `${ids.join()}|${resolved.join()}`, data: { rules: sorted, resolution } }
}
