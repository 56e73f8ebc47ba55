import type { EndpointFact, PodFact } from '@weir/core'
import type { Agent } from '../agent/agent.js'
import type { Cell, Party } from './cells.js'

/** What came of trying a cell. */
export interface Outcome {
  readonly allowed: boolean
  /** What was seen: `answered in 1.2 ms`, `dropped: policy denied`, `no answer in 2500 ms`. */
  readonly evidence: string
}

/** Where the pods of a demo live: namespaces of the kernel, or the memory backend's virtual switch. */
export interface Ground {
  /** File of the namespace with the host sides of the pods' devices; undefined where there is none. */
  readonly netns: string | undefined
  /** The outside as a party; undefined when there is none. */
  readonly world: Party | undefined
  /** Called once, when the agent that judges the packets is there. */
  join(agent: Agent): void
  /** Gives pods an interface, and listeners on their ports. */
  plug(pods: readonly PodFact[]): Promise<readonly EndpointFact[]>
  unplug(pods: readonly { readonly namespace: string; readonly name: string }[]): Promise<void>
  /** Tries cells, many at a time, until `isOver`. Undefined for a cell that wasn't tried. */
  attempt(cells: readonly Cell[], isOver: () => boolean): Promise<readonly (Outcome | undefined)[]>
  /** Protocols of which there are no sockets here. */
  readonly missing: ReadonlySet<Cell['protocol']>
  close(): Promise<void>
}
