import type { PodFact } from '../event/event.js'
import type { Identity } from '../identity/identities.js'
import type { LabelMap } from '../identity/labels.js'
import { placeKeys } from '../identity/node-labels.js'
import { reservedLabel, type ReservedIdentity } from '../identity/reserved.js'
import type { Workload, Workloads } from '../identity/workloads.js'
import { protocolNumbers } from '../policy/rule.js'
import { dropFrom, entryOf } from '../multimap.js'
import type { KeyUse } from './key-use.js'
import { portKey, type Shape } from './model.js'

interface IdentityShapes {
  readonly byKey: Map<string, Shape>
  /** The last one without labels that selectors ask for, and the ports that made it: nearly all pods have it. */
  plain: { readonly shape: Shape; readonly ports: PodFact['ports'] } | undefined
}

/** The shapes of pods: identity labels, those filtered-out labels that a selector asks for, and named ports. */
export class Shapes {
  readonly #workloads: Workloads
  readonly #keys: KeyUse
  readonly #byIdentity = new Map<Identity, IdentityShapes>()
  readonly #identities = new Map<Shape, Identity>()
  /** Pods by the labels that the filter keeps from their identity. */
  readonly #byFilteredKey = new Map<string, Set<Workload>>()

  constructor(workloads: Workloads, keys: KeyUse) {
    this.#workloads = workloads
    this.#keys = keys
  }

  /**
   * The shape of a pod that has an identity, one reference richer.
   * @param isOwn whether it runs on this node
   */
  acquire(workload: Workload, identity: Identity, pod: PodFact, isOwn: boolean): Shape {
    const filtered = this.#workloads.filteredLabels(pod)
    this.#noteFiltered(workload, [...filtered.keys()])
    const asked: (readonly [key: string, value: string])[] = []
    for (const label of filtered) if (this.#keys.has(label[0])) asked.push(label)
    if (asked.length > 1) asked.sort(([a], [b]) => (a < b ? -1 : 1))
    if (isOwn) asked.push([placeKeys.ownPod, ''])
    const shapes = entryOf(this.#byIdentity, identity, () => ({ byKey: new Map(), plain: undefined }))
    const shape =
      asked.length === 0 && shapes.plain !== undefined && samePorts(shapes.plain.ports, pod.ports)
        ? shapes.plain.shape
        : this.#find(shapes, identity, pod, asked)
    shape.references += 1
    return shape
  }

  #find(
    shapes: IdentityShapes,
    identity: Identity,
    pod: PodFact,
    asked: readonly (readonly [key: string, value: string])[],
  ): Shape {
    const ports = namedPorts(pod)
    const key = shapeKey(ports, asked)
    const shape = entryOf(shapes.byKey, key, () => {
      const labels = asked.length === 0 ? identity.relevant : new Map([...identity.relevant, ...asked])
      const made = newShape(key, 'pod', labels, identity.labels, ports)
      this.#identities.set(made, identity)
      return made
    })
    if (asked.length === 0) shapes.plain = { shape, ports: pod.ports }
    return shape
  }

  /** The shape is gone with its last reference. */
  release(shape: Shape): void {
    shape.references -= 1
    if (shape.references > 0) return
    const identity = this.#identities.get(shape)!
    const shapes = this.#byIdentity.get(identity)!
    this.#identities.delete(shape)
    shapes.byKey.delete(shape.key)
    if (shapes.plain?.shape === shape) shapes.plain = undefined
    if (shapes.byKey.size === 0) this.#byIdentity.delete(identity)
  }

  /** Forgets a pod that is gone. */
  forget(workload: Workload): void {
    this.#noteFiltered(workload, [])
  }

  /** Pods that have a label of this key that is left out of their identity. */
  withFiltered(key: string): Iterable<Workload> {
    return this.#byFilteredKey.get(key) ?? []
  }

  #noteFiltered(workload: Workload, keys: readonly string[]): void {
    const before = workload.filteredKeys
    if (sameTexts(before, keys)) return
    for (const key of before) dropFrom(this.#byFilteredKey, key, workload)
    workload.filteredKeys = keys
    for (const key of keys) entryOf(this.#byFilteredKey, key, () => new Set()).add(workload)
  }
}

const sameTexts = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((text, index) => text === b[index])

function samePorts(a: PodFact['ports'], b: PodFact['ports']): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at += 1) {
    const [one, other] = [a[at]!, b[at]!]
    if (one.name !== other.name || one.port !== other.port || one.protocol !== other.protocol) return false
  }
  return true
}

/** What tells shapes of one identity apart, as text. */
function shapeKey(ports: ReadonlyMap<string, number>, asked: readonly (readonly [string, string])[]): string {
  const texts: string[] = []
  for (const [name, number] of ports) texts.push(`${name}=${number}`)
  if (texts.length > 1) texts.sort()
  texts.push('')
  for (const [label, value] of asked) texts.push(label, value)
  return texts.join('\u0000')
}

/** The shapes of nodes: those of nodes with equal labels are one. */
export class NodeShapes {
  readonly #byKey = new Map<string, Shape>()

  /** One reference richer. */
  acquire(labels: LabelMap): Shape {
    const key = [...labels].flat().join('\u0000')
    const shape = entryOf(this.#byKey, key, () => {
      const reserved = labels.has(reservedLabel('host')) ? 'host' : 'remote-node'
      return newShape(key, 'node', labels, [reservedLabel(reserved)], new Map())
    })
    shape.references += 1
    return shape
  }

  /** The shape is gone with its last reference. */
  release(shape: Shape): void {
    shape.references -= 1
    if (shape.references === 0) this.#byKey.delete(shape.key)
  }
}

/** The shape of what is neither pod nor node: it has the reserved labels alone. */
export function worldShape(...names: readonly ReservedIdentity[]): Shape {
  const labels = names.map(reservedLabel)
  return newShape(labels.join(), 'world', new Map(labels.map(label => [label, ''])), labels, new Map())
}

const newShape = (
  key: string,
  kind: Shape['kind'],
  labels: Shape['labels'],
  identityLabels: readonly string[],
  ports: Shape['ports'],
): Shape => ({ key, kind, labels, identityLabels, ports, references: 0, judged: new Set() })

/** The named ports of a pod by `portKey`; a name that is given twice for one protocol means the lowest number. */
export function namedPorts(pod: Pick<PodFact, 'ports'>): Map<string, number> {
  const ports = new Map<string, number>()
  for (const { name, protocol, port } of pod.ports) {
    if (name === '') continue
    const key = portKey(protocolNumbers[protocol], name)
    const known = ports.get(key)
    if (known === undefined || port < known) ports.set(key, port)
  }
  return ports
}
