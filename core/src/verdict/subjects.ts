import { entryOf } from '../multimap.js'
import { compareRules } from './evaluate.js'
import { portKey, type CompiledRule, type Shape, type Subject, type SubjectData } from './model.js'
import { Partition, type Departure, type PartitionChange } from './partition.js'
import type { RuleSet } from './rule-set.js'

/** Members of one subject who go to one place. */
interface Leavers {
  readonly to: SubjectData
  readonly shapes: Shape[]
}

/** Shapes that are judged, by the rules that select them. */
export class Subjects {
  readonly partition = new Partition<Shape, SubjectData>({
    members: () => new Set<Shape>(),
    placed: new Map(),
    weight: ({ members }) => weightOf([...members]),
    hash: ({ key }) => key,
    same: (a, b) => a.key === b.key,
  })
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

  /** The subjects that a rule selects. */
  of({ subject }: CompiledRule): readonly Subject[] {
    return [...new Set([...subject.shapes].map(shape => this.partition.blockOf(shape)!))]
  }

  settle(): PartitionChange<Shape, SubjectData> {
    if (this.#rules.dirtyShapes.size === 0) return this.partition.assign([], [])
    const leaving = new Map<Subject, Map<string, Leavers>>()
    const arrivals: [Shape, SubjectData][] = []
    for (const shape of this.#rules.dirtyShapes) {
      if (shape.judged.size === 0) continue
      const data = subjectOf(shape, this.#rules.rulesOf(shape))
      const block = this.partition.blockOf(shape)
      if (block === undefined) arrivals.push([shape, data])
      else if (block.data.key !== data.key) {
        const places = entryOf(leaving, block, () => new Map<string, Leavers>())
        entryOf(places, data.key, () => ({ to: data, shapes: [] })).shapes.push(shape)
      }
    }
    this.#rules.dirtyShapes.clear()
    const departures = [...leaving].map(([block, places]) => departureOf(block, [...places.values()]))
    return this.partition.assign(departures, arrivals)
  }
}

function departureOf(block: Subject, places: readonly Leavers[]): Departure<Shape, SubjectData> {
  const gone = new Set(places.flatMap(({ shapes }) => shapes))
  const stayers = [...block.members].filter(shape => !gone.has(shape))
  const staying = stayers.length === 0 ? undefined : partOf({ to: block.data, shapes: stayers })
  return { block, leaving: places.map(partOf), staying }
}

const partOf = ({ to, shapes }: Leavers) => ({ to, weight: () => weightOf(shapes), members: () => shapes })

const weightOf = (shapes: readonly Shape[]): number => shapes.reduce((sum, { judged }) => sum + judged.size, 0)

/** What makes those of a shape one subject with others: rules, and their own numbers for the names in ingress rules. */
export function subjectOf(shape: Shape, rules: readonly CompiledRule[]): SubjectData {
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
  const sorted = [...rules].sort((a, b) => compareRules(a.rule, b.rule) || (a.saying.text < b.saying.text ? -1 : 1))
  return { key: `${ids.join()}|${resolved.join()}`, rules: sorted, resolution }
}
