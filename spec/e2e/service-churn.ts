import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodes, outside, podOn, ports } from '@weir/adapters/demo/services/plan.js'
import type { Tally } from '@weir/adapters/demo/services/request.js'
import { ServiceStage } from '@weir/adapters/demo/services/stage.js'
import type { EventBody } from '@weir/core'

export interface Churn {
  readonly changes: number
  readonly durationMs: number
  /** What this process, with the agents of both nodes, computed meanwhile; clients are other processes. */
  readonly cpuMs: number
  readonly tally: Tally
}

const names = [11, 12, 13, 14]
const pods = nodes.flatMap(({ name }) => names.map(number => podOn(name as 'n1' | 'n2', number, 'churned')))
const clusterIps = ['10.96.1.1', 'fd96::1:1'] as const

/** In namespace `dev`, whose objects no manifest speaks of. */
const service: EventBody = {
  kind: 'service.upserted',
  service: {
    namespace: 'dev',
    name: 'churned',
    type: 'ClusterIP',
    clusterIps,
    selector: {},
    ports: [{ name: '', protocol: 'TCP', port: 80, targetPort: ports.tcp }],
  },
}

/** The backends of a family, some of them ready. */
const slice = (family: 4 | 6, ready: ReadonlySet<number>): EventBody => ({
  kind: 'endpointslice.upserted',
  slice: {
    namespace: 'dev',
    name: `churned-${family}`,
    service: 'churned',
    endpoints: pods.map(({ addresses, node }, at) => ({
      addresses: [addresses[family === 4 ? 0 : 1]!],
      ready: ready.has(at),
      serving: ready.has(at),
      terminating: false,
      node,
    })),
    ports: [{ name: '', protocol: 'TCP', port: ports.tcp }],
  },
})

/**
 * Eight backends of which one after the other becomes ready or isn't any more, on two nodes, while 64 clients ask. All of
 * them serve all the time, so whatever fails is the balancer's fault.
 */
export async function churn(changesPerSecond: number, durationMs: number): Promise<Churn> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-churn-'))
  const id = `churn${process.pid}`
  const said: string[] = []
  const stage = await ServiceStage.create({
    ...{ id, folder, nodes, outside, ports, virtual: [], services: '' },
    report: message => said.push(message),
  })
  try {
    await stage.add([...pods, podOn('n1', 21, 'client')])
    const agents = [...stage.nodes.values()].map(({ agent }) => agent)
    const say = (...facts: readonly EventBody[]) => Promise.all(agents.map(agent => agent.submit('churn', facts)))
    let ready = new Set(pods.keys())
    await say(service, slice(4, ready), slice(6, ready))
    const { client } = stage.nodes.get('n1')!
    const request = { netns: stage.netnsOf('client-121'), protocol: 'TCP', port: 80, timeoutMs: 10_000 } as const
    const loads = clusterIps.map(address => client.load({ ...request, address }, 32))
    const [start, cpu] = [performance.now(), process.cpuUsage()]
    let changes = 0
    const pending: Promise<unknown>[] = []
    while (performance.now() - start < durationMs) {
      const at = changes % pods.length
      // One in three backends is out at a time, and never the same ones for long.
      ready = new Set([...pods.keys()].filter(index => (index + changes) % 3 !== 0 || index === at))
      pending.push(say(slice(changes % 2 === 0 ? 4 : 6, ready)))
      changes += 1
      const wait = start + (changes * 1000) / changesPerSecond - performance.now()
      await new Promise(resolve => setTimeout(resolve, Math.max(0, wait)))
    }
    const lasted = performance.now() - start
    await Promise.all(pending)
    const { user, system } = process.cpuUsage(cpu)
    const tallies = await Promise.all(loads.map(load => load.finish()))
    const failing = await Promise.all(agents.map(async agent => (await agent.status()).reconcile.failing ?? ''))
    if (failing.some(text => text !== '')) throw new Error(`not enforced: ${failing.join()}; ${said.join()}`)
    return { changes, durationMs: lasted, cpuMs: (user + system) / 1000, tally: joined(tallies) }
  } finally {
    await stage.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function joined(tallies: readonly Tally[]): Tally {
  const sum = (of: 'answers' | 'failures' | 'seenAs'): Readonly<Record<string, number>> => {
    const counts: Record<string, number> = {}
    for (const tally of tallies)
      for (const [key, count] of Object.entries(tally[of])) counts[key] = (counts[key] ?? 0) + count
    return counts
  }
  const worst = (of: 'p50Ms' | 'p99Ms'): number => Math.max(...tallies.map(tally => tally[of]))
  return {
    answers: sum('answers'),
    failures: sum('failures'),
    seenAs: sum('seenAs'),
    p50Ms: worst('p50Ms'),
    p99Ms: worst('p99Ms'),
  }
}
