// An agent as a process of its own, for the bench `kubernetes`: tells its parent what of the API server is enforced.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createAgent } from '@weir/adapters/agent/agent.js'
import type { AgentOptions } from '@weir/adapters/agent/agent-options.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { runAsAgent } from '@weir/adapters/agent/engine-flags.js'

/** What the process is started with, as JSON in its only argument. */
export type FollowingAgentOptions = Pick<AgentOptions, 'stateFolder' | 'node' | 'pinName' | 'backend' | 'kubernetes'>

/** What it tells. Times are of CLOCK_MONOTONIC, in nanoseconds. */
export type FollowingAgentMessage =
  | { readonly kind: 'ready'; readonly pods: number; readonly policies: number; readonly cpuMs: number }
  /** Addresses of pods that are in the maps now. */
  | {
      readonly kind: 'enforced'
      readonly addresses: readonly string[]
      readonly at: bigint
      readonly cpuMs: number
      /** Since it was ready. */
      readonly longestBusyMs: number
    }
  | { readonly kind: 'report'; readonly message: string }

const tell = (message: FollowingAgentMessage): void => void process.send?.(message)

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

runAsAgent()
const agent = await createAgent({
  ...(JSON.parse(process.argv[2] ?? '') as FollowingAgentOptions),
  clock: systemClock,
  report: message => tell({ kind: 'report', message }),
})
// A parent that is gone needs no agent.
for (const event of ['disconnect', 'SIGTERM'] as const)
  process.once(event, () => void agent.stop().then(() => process.exit(0)))
await agent.ready
const { pods, policies } = agent.engine.state
tell({ kind: 'ready', pods: pods.size, policies: policies.size, cpuMs: cpuMs() })
const busy = monitorEventLoopDelay({ resolution: 5 })
busy.enable()
agent.applied.subscribe(({ events }) => {
  const addresses = events.flatMap(event => (event.kind === 'pod.upserted' ? event.pod.addresses : []))
  if (addresses.length === 0) return
  const at = process.hrtime.bigint()
  tell({ kind: 'enforced', addresses, at, cpuMs: cpuMs(), longestBusyMs: busy.max / 1e6 })
})
