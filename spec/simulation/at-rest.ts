import { isDeepStrictEqual } from 'node:util'
import type { Agent } from '@weir/adapters'
import type { MapFill } from '@weir/adapters/agent/protocol.js'
import type { WeirEvent } from '@weir/core'
import { clusterOf } from '../oracle/index.js'
import type { ApiSource } from './api-source.js'
import type { Authors } from './authors.js'
import type { BothSources } from './both-sources.js'
import type { Kernel } from './kernel.js'
import { type NodeNetwork, outerDevice } from './node-network.js'
import type { Plan } from './plan.js'
import { roomForPolicies, roomForServices } from './room.js'
import type { Cluster } from './source.js'
import type { Witness } from './witness.js'

/** What an agent was told by, and what it has worked on. */
export interface World {
  readonly plan: Plan
  readonly witness: Witness
  readonly kernel: Kernel
  readonly network: NodeNetwork
  readonly cluster: Cluster
  readonly authors: Authors | undefined
  readonly server: Pick<ApiSource | BothSources, 'missing'> | undefined
}

/**
 * What must hold when nothing has failed for long enough: everything said is in the log, and enforced.
 * @param running The agent, the last event that it has said to be enforced, and how full it says that maps are.
 */
export async function lookAtRest(
  world: World,
  { agent, applied, fills }: { readonly agent: Agent; readonly applied: number; readonly fills: readonly MapFill[] },
) {
  const { plan, witness, kernel, network, cluster, authors, server } = world
  const { durable } = witness
  if (cluster.waiting > 0) witness.broken('inputs are taken', `${cluster.waiting} submissions have no answer`)
  const missing = cluster.missing(durable) ?? authors?.missing(durable) ?? server?.missing()
  if (missing !== undefined) witness.broken('inputs are taken', `the log lacks ${missing}`)
  const { failing } = agent.datapath
  if (failing !== undefined) {
    const isOfRoom = /entries|room/.test(failing)
    const wrong = isOfRoom ? await roomForPolicies(plan.sizes, failing, kernel, agent.engine) : ''
    if (wrong !== undefined) witness.broken('what failed is made up for', `still failing: ${failing} ${wrong}`)
  }
  const { shortages } = agent.datapath.figures()
  const usedLines = fills.find(({ name }) => name === 'weir_slots')?.entries ?? 0
  const untrue = await roomForServices(shortages, usedLines, kernel, agent.engine)
  if (untrue !== undefined) witness.broken('what has no room is said', untrue)
  if (agent.engine.seq !== durable.length || applied !== durable.length)
    witness.broken('what is durable is enforced', `event ${applied} of ${durable.length} is`)
  if (plan.hasDevices && failing === undefined) lookAtDevices(witness, kernel, network, durable)
  witness.checkDigest(agent.engine)
}

/** What devices have is known, and the one by which the outside comes has its programs. */
function lookAtDevices(witness: Witness, kernel: Kernel, network: NodeNetwork, durable: readonly WeirEvent[]): void {
  const { observed = [] } = clusterOf(durable)
  const there = network.devices.flatMap(({ loopback, addresses }) => (loopback ? [] : addresses))
  if (!isDeepStrictEqual(new Set(observed), new Set(there)))
    witness.broken('devices are known', `the log says ${observed.join()}, there are ${there.join()}`)
  if (!kernel.isAttached(outerDevice.ifindex, 'device'))
    witness.broken('devices are judged at', `no program is at ${outerDevice.ifname}`)
}
