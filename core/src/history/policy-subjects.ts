import type { ServiceReference } from '../event/cilium.js'
import { selectorText } from '../policy/match.js'
import type { LabelSelector } from '../policy/selector.js'
import type { ClusterState } from '../state/state.js'
import { compilePolicy, policiesOf, policyKey, policyOf, servicesIn } from '../verdict/dialects.js'

/** What a policy, as it is in force, has to do with whom. */
interface PolicySubjects {
  readonly selectors: ReadonlyMap<string, LabelSelector>
  /** Whether it speaks of addresses that come and go without it. */
  readonly isMoving: boolean
  readonly services: readonly ServiceReference[]
}

const nothing: PolicySubjects = { selectors: new Map(), isMoving: false, services: [] }

/** Whom each policy in force selects, so that an event which touches a policy leads to those who may be judged otherwise. */
export class SubjectsOfPolicies {
  readonly #state: ClusterState
  readonly #known = new Map<string, PolicySubjects>()
  readonly #moving = new Set<string>()
  readonly #speakingOfServices = new Set<string>()

  constructor(state: ClusterState) {
    this.#state = state
    for (const policy of policiesOf(state)) this.touch(policyKey(policy))
  }

  /** The policy may be another. @returns whom it selected or selects */
  touch(key: string): readonly LabelSelector[] {
    const before = this.#known.get(key) ?? nothing
    const policy = policyOf(this.#state, key)
    const after = policy === undefined ? nothing : subjectsOf(policy, this.#state)
    if (policy === undefined) this.#known.delete(key)
    else this.#known.set(key, after)
    enter(this.#moving, key, after.isMoving)
    enter(this.#speakingOfServices, key, after.services.length > 0)
    return [...new Map([...before.selectors, ...after.selectors]).values()]
  }

  /** A service is another. @returns whom the policies select that speak of it */
  touchService(namespace: string, name: string): readonly LabelSelector[] {
    return [...this.#speakingOfServices]
      .filter(key => this.#known.get(key)?.services.some(service => speaksOf(service, namespace, name)))
      .flatMap(key => this.touch(key))
  }

  /** Whom the policies select that speak of addresses which come and go. */
  moving(): readonly LabelSelector[] {
    return [...this.#moving].flatMap(key => [...(this.#known.get(key)?.selectors.values() ?? [])])
  }
}

function subjectsOf(policy: Parameters<typeof compilePolicy>[0], state: ClusterState): PolicySubjects {
  const rules = compilePolicy(policy, state)
  return {
    selectors: new Map(rules.map(({ subject }) => [selectorText(subject), subject])),
    isMoving: rules.some(({ peers }) => peers !== 'any' && peers.some(({ kind }) => kind === 'set')),
    services: servicesIn(policy),
  }
}

const speaksOf = (service: ServiceReference, namespace: string, name: string): boolean =>
  service.kind === 'selector' || (service.namespace === namespace && service.name === name)

function enter(keys: Set<string>, key: string, isIn: boolean): void {
  if (isIn) keys.add(key)
  else keys.delete(key)
}
