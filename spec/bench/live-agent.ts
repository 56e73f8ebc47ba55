// An agent as a process of its own, for the bench `live`: tells its parent how far each change has come.
import { subscribe } from 'node:diagnostics_channel'
import { createAgent } from '@weir/adapters/agent/agent.js'
import type { AgentOptions } from '@weir/adapters/agent/agent-options.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { runAsAgent } from '@weir/adapters/agent/engine-flags.js'
import { stageChannel } from '@weir/adapters/stages.js'
import type { EndpointFact } from '@weir/core'

/** What the process is started with, as JSON in its only argument. */
export interface LiveAgentOptions {
  readonly agent: Pick<AgentOptions, 'stateFolder' | 'node' | 'pinName' | 'netns' | 'nodeAddresses' | 'manifests'>
  readonly endpoints: readonly EndpointFact[]
}

/** What it tells. Times are of CLOCK_MONOTONIC, in nanoseconds; `cpuUs` is what all of its threads have had. */
export type LiveAgentMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'applied'; readonly policies: number }
  | { readonly kind: 'stage'; readonly stage: string; readonly at: bigint; readonly cpuUs: number }
  | { readonly kind: 'report'; readonly message: string }

const tell = (message: LiveAgentMessage): void => void process.send?.(message)

runAsAgent()
const { agent: options, endpoints } = JSON.parse(process.argv[2] ?? '') as LiveAgentOptions
const agent = await createAgent({
  ...options,
  backend: 'kernel',
  clock: systemClock,
  report: message => tell({ kind: 'report', message }),
})
// A parent that is gone needs no agent.
for (const event of ['disconnect', 'SIGTERM'] as const)
  process.once(event, () => void agent.stop().then(() => process.exit(0)))
await agent.ready
for (const endpoint of endpoints) await agent.attachEndpoint(endpoint)
const policies = (): number => agent.engine.state.policies.size
agent.applied.subscribe(() => tell({ kind: 'applied', policies: policies() }))
// Kept until the change is over: telling takes time that isn't the agent's.
const waiting: LiveAgentMessage[] = []
subscribe(stageChannel, stage => {
  const { user, system } = process.cpuUsage()
  waiting.push({ kind: 'stage', stage: String(stage), at: process.hrtime.bigint(), cpuUs: user + system })
  if (stage === 'enforced') setImmediate(() => waiting.splice(0).forEach(tell))
})
tell({ kind: 'ready' })
