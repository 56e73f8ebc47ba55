/** An agent of a north stage in a process of its own, to be killed: `north-child.js OPTIONS`, facts come as messages. */
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import type { AgentOptions } from '@weir/adapters/agent/agent-options.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import type { EventBody } from '@weir/core'

const options = JSON.parse(process.argv[2]!) as Omit<AgentOptions, 'clock'>
const agent: Agent = await createAgent({ ...options, clock: systemClock })
process.on('message', (facts: readonly EventBody[]) => {
  void agent.submit('stage', facts).then(() => process.send?.('done'))
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
