import { type ClusterState, Engine, protocolNumbers } from '@weir/core'
import type { SnapshotAnswer } from '../../agent/protocol.js'
import { attempt } from '../attempt.js'
import type { Cell } from '../cells.js'
import type { Oracle } from '../oracle.js'
import { port, serviceAddresses, servicePort } from './plan.js'
import type { ClusterPod, ClusterStage } from './stage.js'

/** What was tried of one state of a cluster. */
export interface Matrix {
  readonly tried: number
  readonly allowed: number
  /** Tries between pods of different nodes. */
  readonly across: number
  /** `client-21 → server-11 TCP IPv4: answered, should be silent` */
  readonly wrong: readonly string[]
}

/** As many at a time as a small machine has room for. */
const atOnce = 12
/** What is denied stays silent for so long; what is allowed may take longer on a busy machine. */
const [deniedMs, allowedMs] = [600, 5000] as const

interface Try {
  readonly from: ClusterPod
  readonly cell: Cell
  readonly isAllowed: boolean
}

/**
 * Tries every pod of some nodes at every other one and at the service, in both families and protocols, and holds what
 * comes back to what the reference semantics say of the cluster as an agent knows it.
 */
export async function tryMatrix(stage: ClusterStage, among: readonly string[], oracle: Oracle): Promise<Matrix> {
  const { engine } = await stage.agents.get(among[0]!)!.client.get<SnapshotAnswer>('/v1/snapshot')
  const { state } = Engine.restore(engine)
  const pods = stage.pods.filter(({ node }) => among.includes(node))
  const tries = ([4, 6] as const).flatMap(family =>
    (['TCP', 'UDP'] as const).flatMap(protocol =>
      pods.flatMap(from => [
        ...pods.filter(to => to !== from).map(to => between(state, oracle, from, to, family, protocol)),
        ...ofService(state, oracle, from, pods, family, protocol),
      ]),
    ),
  )
  const wrong: string[] = []
  const left = [...tries]
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const told = await outcomeOf(stage, next)
      if (told !== undefined) wrong.push(told)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  const nodeOf = new Map(pods.map(({ name, node }) => [name, node]))
  return {
    tried: tries.length,
    allowed: tries.filter(({ isAllowed }) => isAllowed).length,
    across: tries.filter(({ from, cell }) => (nodeOf.get(cell.to) ?? from.node) !== from.node).length,
    wrong: wrong.sort(),
  }
}

function between(
  state: ClusterState,
  oracle: Oracle,
  from: ClusterPod,
  to: ClusterPod,
  family: 4 | 6,
  protocol: 'TCP' | 'UDP',
): Try {
  const at = family === 4 ? 0 : 1
  const flow = { from: from.addresses[at]!, to: to.addresses[at]!, protocol: protocolNumbers[protocol], port }
  const cell = { from: from.name, to: to.name, family, protocol, port, flow }
  return { from, cell, isAllowed: oracle.judge(state, flow).allowed }
}

/** A service answers whom all of its backends let in; only those who may reach all or none are tried. */
function ofService(
  state: ClusterState,
  oracle: Oracle,
  from: ClusterPod,
  pods: readonly ClusterPod[],
  family: 4 | 6,
  protocol: 'TCP' | 'UDP',
): Try[] {
  const servers = pods.filter(({ labels }) => labels.role === 'server')
  if (servers.includes(from)) return []
  const ways = servers.map(to => between(state, oracle, from, to, family, protocol).isAllowed)
  const to = serviceAddresses[family === 4 ? 0 : 1]
  const flow = {
    from: from.addresses[family === 4 ? 0 : 1]!,
    to,
    protocol: protocolNumbers[protocol],
    port: servicePort,
  }
  const cell = { from: from.name, to: 'svc/servers', family, protocol, port: servicePort, flow }
  return new Set(ways).size === 1 ? [{ from, cell, isAllowed: ways[0]! }] : []
}

/** What is wrong with it; undefined when nothing is. */
async function outcomeOf(stage: ClusterStage, { from, cell, isAllowed }: Try): Promise<string | undefined> {
  const { kind } = await attempt(stage.netnsOf(from.name), cell, isAllowed ? allowedMs : deniedMs)
  const expected = isAllowed ? 'answered' : 'silent'
  if (kind === expected) return undefined
  return `${cell.from} → ${cell.to} ${cell.protocol} IPv${cell.family}: ${kind}, should be ${expected}`
}
