import { recognise } from '@weir/core/input/kinds.js'
import { sameFact } from '@weir/core/input/same-fact.js'
import type { Engine, ObjectKey } from '@weir/core'
import { factOf, inForceOfKind } from '@weir/adapters/manifests/in-force.js'
import { keyText } from '@weir/adapters/manifests/set.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { ApiServer, type Fault } from './api-server.js'
import { Followed, until } from './following.js'
import { ciliumPolicy, namespace, networkPolicy, node, pod, resource } from './objects.js'

const kinds = ['Namespace', 'Node', 'Pod', 'NetworkPolicy', 'CiliumNetworkPolicy'] as const
type Kind = (typeof kinds)[number]

/** Something that happens at the server, or to whoever follows it. */
type Step =
  | { readonly step: 'put' | 'delete'; readonly kind: Kind; readonly name: number; readonly shape: number }
  | { readonly step: 'define' | 'undefine' | 'compact' | 'bookmark' | 'end' | 'tear' | 'restart' | 'away' | 'back' }
  | { readonly step: 'fault'; readonly fault: Fault; readonly every: number }
  | { readonly step: 'well' }
  | { readonly step: 'wait'; readonly ms: number }

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constant('status' as const), status: fc.constantFrom(401, 403, 410, 429, 500, 503) }),
  fc.record({ kind: fc.constantFrom('reset', 'cut', 'garbage', 'silence', 'twice', 'empty' as const) }),
)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      step: fc.constantFrom('put', 'put', 'delete' as const),
      kind: fc.constantFrom(...kinds),
      name: fc.nat(4),
      shape: fc.nat(3),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      step: fc.constantFrom(
        ...(['define', 'undefine', 'compact', 'bookmark', 'end', 'tear', 'restart', 'away', 'back'] as const),
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ step: fc.constant('fault' as const), fault, every: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('well' as const) }) },
  { weight: 4, arbitrary: fc.record({ step: fc.constant('wait' as const), ms: fc.nat(15) }) },
)

const cilium = resource('CiliumNetworkPolicy')

function objectOf(kind: Kind, name: number, shape: number) {
  const text = `n${name}`
  if (kind === 'Namespace') return namespace(text)
  if (kind === 'Node') return node(text, `192.168.${shape}.${name + 1}`)
  if (kind === 'Pod') return pod(text, { addresses: shape === 0 ? [] : [`10.${shape}.0.${name + 1}`] })
  const make = kind === 'NetworkPolicy' ? networkPolicy : ciliumPolicy
  return make(text, `n${shape}`, `n${name}`)
}

/** What the server has, read as manifests are and not in a slim form. */
function wanted(server: ApiServer): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>()
  for (const kind of kinds) {
    const { versions } = resource(kind)
    for (const raw of server.all(resource(kind))) {
      const { aFieldOfLaterVersions: _, ...spec } = (raw.spec ?? {}) as Record<string, unknown>
      const containers = ((spec.containers ?? []) as Record<string, unknown>[]).map(
        ({ somethingNew: __, ...container }) => container,
      )
      const { status, ...rest } = raw
      const whole = {
        ...rest,
        ...(kind !== 'NetworkPolicy' && kind !== 'CiliumNetworkPolicy' && { status }),
        apiVersion: versions[0],
        kind,
        spec: kind === 'Pod' ? { ...spec, containers } : spec,
      }
      const recognised = recognise(whole)
      if (recognised.status !== 'known') throw new TypeError(`${kind} isn’t known`)
      const parsed = recognised.input.parse(whole)
      if (parsed._tag === 'Left') throw new TypeError(JSON.stringify(parsed.left))
      for (const body of parsed.right) found.set(keyText(factOf(body).key), factOf(body).fact)
    }
  }
  return found
}

function known({ state }: Engine): ReadonlyMap<string, unknown> {
  const all = kinds.flatMap(kind => [...inForceOfKind(state, kind)])
  return new Map(all.map(({ key, fact }) => [keyText(key), fact]))
}

const isSame = (left: ReadonlyMap<string, unknown>, right: ReadonlyMap<string, unknown>): boolean =>
  left.size === right.size && [...left].every(([key, fact]) => sameFact(fact, right.get(key)))

/** The object that a deletion speaks of; undefined of any other event. */
function deletedBy(event: Followed['events'][number]): ObjectKey | undefined {
  if (!event.kind.endsWith('.deleted') || !('name' in event)) return undefined
  const kind = kinds.find(each => each.toLowerCase() === event.kind.split('.')[0]) ?? 'CiliumNetworkPolicy'
  return { kind, namespace: 'namespace' in event ? event.namespace : '', name: event.name }
}

class Trial {
  readonly server = new ApiServer()
  readonly #deleted = new Set<string>()
  #followed: Followed | undefined
  #isAway = false
  #isDefined = false
  #count = 0

  async run(steps: readonly Step[]): Promise<void> {
    await this.server.start()
    try {
      this.#followed = this.#follow()
      for (const each of steps) await this.#take(each)
      this.server.fault = () => undefined
      if (this.#isAway) await this.server.start()
      const { engine } = this.#followed
      const target = wanted(this.server)
      const deadline = Date.now() + 15_000
      await until(() => isSame(known(engine), target) || Date.now() > deadline)
      if (Date.now() > deadline) expect([...known(engine)], this.#statuses()).to.deep.equal([...target])
      await this.#followed.settled()
      expect(isSame(known(engine), target), 'what was known stays known').to.equal(true)
      await this.#restart()
      await this.#followed.settled()
      expect(this.#followed.events).to.deep.equal([])
    } finally {
      await this.#followed?.stop()
      await this.server.stop()
    }
  }

  #statuses(): string {
    return JSON.stringify(kinds.map(kind => this.#followed?.status(kind)))
  }

  #follow(engine?: Engine): Followed {
    return new Followed(this.server, { times: 400, silenceMs: 400, ...(engine !== undefined && { engine }) })
  }

  async #restart(): Promise<void> {
    const before = this.#followed!
    await before.stop()
    this.#believed(before)
    this.#followed = this.#follow(before.engine)
  }

  /** Nothing was taken back that the server hasn't deleted. */
  #believed({ events }: Followed): void {
    for (const event of events) {
      const key = deletedBy(event)
      if (key !== undefined) expect([...this.#deleted]).to.include(keyText(key))
    }
  }

  async #take(step: Step): Promise<void> {
    const { server } = this
    switch (step.step) {
      case 'put':
      case 'delete':
        return this.#change(step)
      case 'define':
        if (!this.#isDefined) server.define(cilium)
        this.#isDefined = true
        return
      case 'undefine':
        for (const { metadata } of server.all(cilium)) this.#deleted.add(`${cilium.kind}/shop/${metadata.name}`)
        if (this.#isDefined) server.undefine(cilium)
        this.#isDefined = false
        return
      case 'compact':
        return server.compact()
      case 'bookmark':
        return server.bookmark()
      case 'end':
        return server.endWatches()
      case 'tear':
        return server.endWatches(true)
      case 'restart':
        return this.#restart()
      case 'away':
        if (!this.#isAway) await server.stop()
        this.#isAway = true
        return
      case 'back':
        if (this.#isAway) await server.start()
        this.#isAway = false
        return
      case 'fault':
        server.fault = () => (this.#count++ % step.every === 0 ? step.fault : undefined)
        return
      case 'well':
        server.fault = () => undefined
        return
      case 'wait':
        await new Promise(resolve => setTimeout(resolve, step.ms))
    }
  }

  #change({ step, kind, name, shape }: Extract<Step, { readonly kind: Kind }>): void {
    const object = objectOf(kind, name, shape)
    const space = object.metadata.namespace ?? ''
    if (kind === 'CiliumNetworkPolicy' && !this.#isDefined) {
      this.server.define(cilium)
      this.#isDefined = true
    }
    if (step === 'put') this.server.put(resource(kind), object)
    else {
      this.#deleted.add(keyText({ kind, namespace: space, name: object.metadata.name }))
      this.server.delete(resource(kind), `${space}/${object.metadata.name}`)
    }
  }
}

describe('following an API server through faults', function () {
  this.timeout(120_000)

  it('ends in the server’s own state whatever went wrong, and took back nothing that was there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), steps => new Trial().run(steps)),
      { numRuns: 15, endOnFailure: true },
    )
  })
})
