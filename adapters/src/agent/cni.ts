import { CniPlugin } from '../cni/plugin.js'
import type { Agent } from './agent.js'
import type { AgentOptions } from './agent-options.js'

export type { CniPlugin } from '../cni/plugin.js'

interface CniSurroundings {
  readonly agent: Agent
  readonly hasSources: boolean
  readonly trouble: () => string | undefined
  /** As CniHost has it. */
  readonly fittingBytes: () => number | undefined
  readonly report: (message: string) => void
}

/** The plugin of an agent that is told to have one. Interfaces need a kernel: in memory there are none. */
export function cniOf(
  { cni, podCidrs, clock, netns = '/proc/self/ns/net' }: AgentOptions,
  { agent, hasSources, trouble, fittingBytes, report }: CniSurroundings,
): CniPlugin | undefined {
  if (cni === undefined || agent.backendKind !== 'kernel') return undefined
  return new CniPlugin(
    { ...(podCidrs !== undefined && { podCidrs }), ...cni },
    {
      ...{ clock, netns, hasSources, fittingBytes, report },
      state: () => agent.engine.state,
      submit: (origin, facts) => agent.submit(origin, facts),
      isTaken: address => agent.engine.tables.addresses.get(address) !== undefined,
      isJudged: ifindex => agent.datapath.attachments().some(each => each.ifindex === ifindex),
      onApplied: callback => {
        const subscription = agent.applied.subscribe(callback)
        return () => subscription.unsubscribe()
      },
      get trouble() {
        return trouble()
      },
    },
  )
}
