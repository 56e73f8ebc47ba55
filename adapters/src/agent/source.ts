import type { ClusterState } from '@weir/core'
import type { WaitingObject } from './claims.js'
import type { Facts, Submitted } from './intake.js'
import type { ResourceStatus } from './protocol.js'

/** Where facts come from: a folder of manifests, an API server. The agent runs it and shows how it does. */
export interface Source {
  readonly name: string
  /** The kinds of objects that it follows one by one; absent where it has no such thing. */
  readonly resources?: () => readonly ResourceStatus[]
  /** What it says that isn't in force, as another source says it too and counts more. */
  readonly waiting?: () => readonly WaitingObject[]
  /**
   * Says facts until `signal` aborts, then resolves. What it can't understand it says as `input.refused`; what keeps it
   * from working it rejects with, and it is started again after a while.
   */
  run(sink: SourceSink, signal: AbortSignal): Promise<void>
}

export interface SourceSink {
  /** The inputs as the log has them by now. */
  readonly state: ClusterState
  /** @param origin Who says so; the source's name when absent. */
  submit(facts: Facts, origin?: string): Promise<Submitted>
  /** What it is up to, for `weir status`. `failing` keeps its message until it is watching again. */
  report(state: 'watching' | 'failing', message?: string): void
}
