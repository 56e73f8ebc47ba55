import type { PodFact } from '@weir/core'
import type { Agent } from '../agent/agent.js'
import { pluggablePods, servedPorts } from './cells.js'
import type { Ground } from './ground.js'

/**
 * Gives every local pod an interface and tells the agent, as a CNI plugin would; takes it away from pods that are gone.
 * Calls don't overlap.
 */
export class Plugger {
  readonly #agent: Agent
  readonly #ground: Ground
  readonly #plugged = new Map<string, { readonly pod: PodFact; readonly shape: string }>()
  #turn: Promise<void> = Promise.resolve()

  constructor(agent: Agent, ground: Ground) {
    this.#agent = agent
    this.#ground = ground
  }

  /** Resolves when what the agent knows by now is plugged and judged. */
  settle(): Promise<void> {
    const turn = this.#turn.then(() => this.#settle())
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #settle(): Promise<void> {
    const { state } = this.#agent.engine
    const wanted = new Map(
      [...pluggablePods(state).pods].map(([key, pod]) => [key, { ...pod, ports: servedPorts(state, pod) }]),
    )
    // Other addresses or ports need another interface or listeners: out and in again.
    const gone = [...this.#plugged].filter(([key, { shape }]) => shape !== shapeOf(wanted.get(key)))
    if (gone.length > 0) {
      await Promise.all(gone.map(([, { pod }]) => this.#agent.detachEndpoint(pod.namespace, pod.name)))
      await this.#ground.unplug(gone.map(([, { pod }]) => pod))
      for (const [key] of gone) this.#plugged.delete(key)
    }
    const fresh = [...wanted].filter(([key]) => !this.#plugged.has(key))
    if (fresh.length === 0) return
    const endpoints = await this.#ground.plug(fresh.map(([, pod]) => pod))
    for (const [key, pod] of fresh) this.#plugged.set(key, { pod, shape: shapeOf(pod) })
    await Promise.all(endpoints.map(endpoint => this.#agent.attachEndpoint(endpoint)))
  }
}

function shapeOf(pod: PodFact | undefined): string {
  return pod === undefined ? '' : JSON.stringify([pod.addresses, pod.ports])
}
