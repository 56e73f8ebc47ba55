import { isIP } from 'node:net'
import { type Engine, objectKey, type WeirEvent } from '@weir/core'
import { parseAddress } from '@weir/core/address/address.js'
import { addressText } from '@weir/core/input/address.js'
import { isEntity, type Meant, type Member, podsNamed } from './members.js'
import { isSelector, parseSelector } from './selector-word.js'
import { podsMeeting } from './supposed-pods.js'

/** Events that change nobody's name, labels, address or ports, and no rule. */
const quiet: ReadonlySet<WeirEvent['kind']> = new Set([
  'backend.checked',
  'backend.configured',
  'devices.observed',
  'egressgateway.deleted',
  'egressgateway.upserted',
  'endpoint.attached',
  'endpoint.detached',
  'input.accepted',
  'input.refused',
  'ipmasq.configured',
  'ipmasq.withdrawn',
  'localredirect.deleted',
  'localredirect.upserted',
])

/** How much of what happens can change whom a word means. */
type Bearing =
  /** Pods that have the name or the address, or had it. */
  | 'pods'
  /** Whatever isn't quiet: rules have a say in it, or nodes. */
  | 'all'

/** A word for an end of flows, followed from event to event: whom it means is to be found anew only where it may differ. */
export class AskedWord {
  readonly text: string
  /** Whether it can only be the name of a pod or a workload. */
  readonly isName: boolean
  readonly #matches: (engine: Engine, pod: string) => boolean
  #pods: ReadonlySet<string> = new Set()
  #bearing: Bearing = 'all'

  /** @throws WeirError WEIR_REQUEST_INVALID for a selector that can't be read */
  constructor(text: string) {
    this.text = text
    const address = isIP(text) === 0 ? undefined : addressText(parseAddress(text)!)
    const isAddress = address !== undefined
    const selector =
      !isAddress && !isBlock(text) && !isEntity(text) && isSelector(text) ? parseSelector(text) : undefined
    const isOther = isBlock(text) || isEntity(text) || text.startsWith('reserved:')
    this.isName = !isAddress && !isOther && selector === undefined
    this.#matches = ({ state }, pod) => {
      const stored = state.pods.get(pod)
      if (stored === undefined) return false
      if (isAddress) return stored.fact.addresses.includes(address)
      const alone = { ...state, pods: new Map([[pod, stored]]) }
      return (selector === undefined ? podsNamed(alone, text) : podsMeeting(alone, selector)).length > 0
    }
  }

  /** Pods among those whom it means, `namespace/name`. */
  get pods(): ReadonlySet<string> {
    return this.#pods
  }

  /** Whether it is to be asked about each event; else only about those of its pods, and of pods that have its name. */
  get isRestless(): boolean {
    return !this.isName || this.#bearing === 'all'
  }

  /**
   * Takes in whom it means now; undefined while it means nobody, or several that it can't.
   *
   * @param mayBeName whether any pod may go by it
   */
  settle(engine: Engine, meant: Meant | undefined, mayBeName: boolean): void {
    const { text } = this
    this.#pods = new Set(meant?.members.map(({ name }) => name))
    if (isIP(text) !== 0) this.#bearing = 'pods'
    else if (isBlock(text) || isEntity(text) || text.startsWith('reserved:')) this.#bearing = 'all'
    else if (meant === undefined) {
      const isOneOfSeveral = isSelector(text) || (mayBeName && podsNamed(engine.state, text).length > 0)
      this.#bearing = isOneOfSeveral ? 'all' : 'pods'
    } else this.#bearing = meant.members.every(member => isPlain(engine, member)) ? 'pods' : 'all'
  }

  /** Whether it may mean others after an event that the engine has folded. */
  mayMeanOthers(event: WeirEvent, engine: Engine): boolean {
    if (this.#bearing === 'all') return !quiet.has(event.kind)
    switch (event.kind) {
      case 'pod.upserted':
        return this.#isOne(engine, objectKey(event.pod.namespace, event.pod.name))
      case 'pod.deleted':
        return this.#isOne(engine, objectKey(event.namespace, event.name))
      case 'namespace.upserted':
      case 'namespace.deleted':
      case 'agent.configured':
        return isSelector(this.text)
      default:
        return false
    }
  }

  #isOne(engine: Engine, pod: string): boolean {
    return this.#pods.has(pod) || this.#matches(engine, pod)
  }
}

const isBlock = (text: string): boolean => /^[\da-fA-F:.]+\/\d+$/.test(text)

/** A pod with addresses of its own: rules and nodes have no say in where it is. */
const isPlain = ({ state }: Engine, { name, ends }: Member): boolean =>
  state.pods.get(name)?.fact.hostNetwork === false && Object.values(ends).every(end => typeof end === 'string')
