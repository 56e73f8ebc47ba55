/**
 * An agent that says the next of some facts and, where a stage is named, dies there as by kill -9:
 *
 *     node mortal-agent.js STATE [durable|folded|enforced]
 *
 * Without a stage it prints its digest and its tables as JSON, and stops as agents do.
 */
import { subscribe } from 'node:diagnostics_channel'
import { createAgent } from '@weir/adapters/agent/agent.js'
import { canonicalTables } from '@weir/adapters/agent/canonical-tables.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { recordEngine } from '@weir/adapters/agent/restore.js'
import { stageChannel } from '@weir/adapters/stages.js'
import { buildVersion } from '@weir/adapters/version.js'
import { lives } from './lives.js'

const [stateFolder = '', stage] = process.argv.slice(2)
const agent = await createAgent({
  ...{ stateFolder, node: 'n1', backend: 'memory', clock: systemClock, snapshotEvery: 4, checkpointEvery: 3 },
  ...{ masquerade: ['ipv4', 'ipv6'], nativeRoutingCidrs: ['10.0.0.0/8'] },
})
const next = lives[agent.engine.seq - 1]
if (stage !== undefined && next !== undefined) {
  subscribe(stageChannel, reached => {
    if (reached === stage) process.kill(process.pid, 'SIGKILL')
  })
  // None lives long enough for a snapshot of its own accord.
  if (agent.engine.seq % 4 === 0) await recordEngine(agent.log, agent.engine, buildVersion)
  await agent.submit('spec', [next])
}
const said = JSON.stringify({
  seq: agent.engine.seq,
  digest: agent.engine.digest().hex,
  tables: canonicalTables(agent.engine).join('\n'),
})
await new Promise(done => process.stdout.write(`${said}\n`, done))
await agent.stop()
