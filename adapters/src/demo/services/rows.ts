import { outside, type ServicePlan, services } from './plan.js'
import { askMany, type Request, type Tally } from './request.js'
import type { ServiceStage } from './stage.js'

/**
 * Who asks: a process of the node, one in a pod, one in a pod whose calls the node doesn't see, only its packets; and
 * somebody behind the router.
 */
export type Asker = 'process' | 'pod' | 'packets' | 'outside'
export const askers: readonly Asker[] = ['process', 'pod', 'packets', 'outside']

/** One service at one kind of its addresses. */
export interface RowPlan {
  readonly service: ServicePlan
  readonly at: 'cluster address' | 'node port' | 'load balancer' | 'external address'
}

/** What a cell has to come to. */
export type Expectation =
  /** Each of these answers, and sees the client at one of `seenAs` where that is said. */
  | { readonly kind: 'all'; readonly pods: readonly string[]; readonly seenAs?: readonly string[] }
  /** One and the same of these. */
  | { readonly kind: 'one'; readonly pods: readonly string[] }
  | { readonly kind: 'refused' }

/** What asking one service at one address came to. */
export interface Cell {
  readonly asker: Asker
  readonly family: 4 | 6
  readonly address: string
  readonly port: number
  readonly expected: Expectation
  readonly tally: Tally
  readonly isRight: boolean
}

export interface Row extends RowPlan {
  readonly cells: readonly Cell[]
}

export const rowPlans: readonly RowPlan[] = services.flatMap((service): readonly RowPlan[] => {
  const { virtual, nodePort, spec } = service
  return [
    { service, at: 'cluster address' },
    ...(virtual === undefined
      ? []
      : [{ service, at: spec.includes('LoadBalancer') ? ('load balancer' as const) : ('external address' as const) }]),
    ...(nodePort === undefined ? [] : [{ service, at: 'node port' as const }]),
  ]
})

/** Requests of a cell: enough that each of four backends is met but in one of ten million times. */
const times = 60
const width = 8
const timeoutMs = 5000

/**
 * Asks a service from every side, in both families.
 *
 * @param client the pod that asks
 */
export async function tryRow(stage: ServiceStage, plan: RowPlan, client: string): Promise<Row> {
  const cells: Cell[] = []
  for (const asker of askers)
    for (const family of [4, 6] as const) {
      // Cluster addresses aren't there for anybody outside.
      if (asker === 'outside' && plan.at === 'cluster address') continue
      const { address, port } = targetOf(stage, plan, family)
      const netns = netnsOf(stage, asker, client)
      const request = { netns, protocol: plan.service.protocol, address, port, timeoutMs }
      const tally = await (asker === 'process' || asker === 'pod'
        ? tallyOf(stage, request)
        : askMany(request, { times, width }))
      const expected = expectationOf(stage, plan, asker, family)
      cells.push({ asker, family, address, port, expected, tally, isRight: isRight(tally, expected) })
    }
  return { ...plan, cells }
}

/** The node of the clients. */
export const askingNode = 'n1'

function netnsOf(stage: ServiceStage, asker: Asker, client: string): string {
  if (asker === 'outside') return stage.outsidePath
  return asker === 'process' ? stage.nodes.get(askingNode)!.network.netnsPath : stage.netnsOf(client)
}

/** By a process whose calls the node's programs see; this one is in no cgroup of theirs. */
const tallyOf = (stage: ServiceStage, request: Request): Promise<Tally> =>
  stage.nodes.get(askingNode)!.client.ask(request, times, width)

function targetOf(
  stage: ServiceStage,
  { service: { clusterIps, virtual, port, nodePort }, at }: RowPlan,
  family: 4 | 6,
): { readonly address: string; readonly port: number } {
  const place = family === 4 ? 0 : 1
  if (at === 'cluster address') return { address: clusterIps[place], port }
  if (at === 'node port') return { address: stage.nodes.get(askingNode)!.plan.addresses[place]!, port: nodePort! }
  return { address: virtual![place], port }
}

/** By the manifests alone: who is ready, and where. */
function expectationOf(
  stage: ServiceStage,
  { service: { name }, at }: RowPlan,
  asker: Asker,
  family: 4 | 6,
): Expectation {
  if (name === 'nobody') return { kind: 'refused' }
  const ready = stage.pods.filter(({ app, phase }) => app === 'web' && phase === 'ready')
  const isNear = name === 'near' && at === 'cluster address'
  const pods = ready.filter(({ node }) => !isNear || node === askingNode).map(pod => pod.name)
  if (asker !== 'outside') return { kind: name === 'sticky' ? 'one' : 'all', pods: pods.sort() }
  const place = family === 4 ? 0 : 1
  // Backends of another node see the node that the client came to, unless the policy keeps him to its own.
  const near = ready.filter(({ node }) => node === askingNode).map(pod => pod.name)
  if (name === 'mine') return { kind: 'all', pods: near.sort(), seenAs: [outside[place]] }
  return {
    kind: 'all',
    pods: pods.sort(),
    seenAs: [outside[place], stage.nodes.get(askingNode)!.plan.addresses[place]!],
  }
}

function isRight({ answers, failures, seenAs }: Tally, expected: Expectation): boolean {
  const answered = Object.keys(answers)
  const failed = Object.keys(failures)
  switch (expected.kind) {
    case 'refused':
      return answered.length === 0 && failed.join() === 'ECONNREFUSED'
    case 'one':
      return failed.length === 0 && answered.length === 1 && expected.pods.includes(answered[0]!)
    case 'all':
      return (
        failed.length === 0 &&
        answered.join() === expected.pods.join() &&
        (expected.seenAs === undefined || Object.keys(seenAs).sort().join() === expected.seenAs.toSorted().join())
      )
  }
}
