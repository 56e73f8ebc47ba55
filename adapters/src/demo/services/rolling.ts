import { podOn, type ServicePlan, services } from './plan.js'
import { askMany, type Tally } from './request.js'
import { askingNode } from './rows.js'
import type { ServiceStage } from './stage.js'

/** One client's load while every backend was replaced. */
export interface RollingLoad {
  readonly from: string
  readonly service: string
  readonly family: 4 | 6
  readonly clients: number
  readonly tally: Tally
}

export interface Rolling {
  readonly replaced: number
  readonly durationMs: number
  readonly loads: readonly RollingLoad[]
}

/** Between the word that a pod terminates and its end: what was on its way to it arrives. */
const drainMs = 300
const timeoutMs = 5000

/** Before the first pod goes, and after the last one came, so that each is asked. */
const beginMs = 500

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** Replaces every pod behind the services, one by one, while clients ask. */
export async function replaceAll(stage: ServiceStage, client: string): Promise<Rolling> {
  const start = performance.now()
  const loads = startLoads(stage, client)
  const old = stage.pods.filter(({ app }) => app === 'web')
  await pause(beginMs)
  for (const pod of old) {
    const number = Number(/\d+$/.exec(pod.name)![0].slice(1))
    await stage.add([podOn(pod.node as 'n1' | 'n2', number + 20, 'web')])
    await stage.change(pod.name, 'terminating')
    await pause(drainMs)
    await stage.remove([pod.name])
  }
  await pause(beginMs)
  const finished = await Promise.all(
    loads.map(async ({ load, ...rest }): Promise<RollingLoad> => ({ ...rest, tally: await load.finish() })),
  )
  return { replaced: old.length, durationMs: performance.now() - start, loads: finished }
}

function startLoads(stage: ServiceStage, client: string) {
  const wanted = [
    { from: 'pod', node: askingNode, netns: stage.netnsOf(client), service: 'web', family: 4, clients: 24 },
    {
      from: 'process',
      node: 'n2',
      netns: stage.nodes.get('n2')!.network.netnsPath,
      service: 'web',
      family: 6,
      clients: 24,
    },
    { from: 'pod', node: askingNode, netns: stage.netnsOf(client), service: 'names', family: 6, clients: 8 },
  ] as const
  const inside = wanted.map(({ from, node, netns, service, family, clients }) => {
    const { clusterIps, port, protocol } = planOf(service)
    const address = clusterIps[family === 4 ? 0 : 1]
    const load = stage.nodes.get(node)!.client.load({ netns, protocol, address, port, timeoutMs }, clients)
    return { from: `${from} on ${node}`, service, family, clients, load }
  })
  return [...inside, loadFromOutside(stage)]
}

/** By this process: no node's programs see its calls. */
function loadFromOutside(stage: ServiceStage) {
  const { virtual, port, protocol, name } = planOf('public')
  const clients = 8
  let isOver = false
  const request = { netns: stage.outsidePath, protocol, address: virtual![0], port, timeoutMs }
  const tally = askMany(request, { width: clients, isOver: () => isOver })
  const finish = (): Promise<Tally> => {
    isOver = true
    return tally
  }
  return { from: 'namespace outside', service: name, family: 4 as const, clients, load: { finish } }
}

const planOf = (service: string): ServicePlan => services.find(({ name }) => name === service)!
