import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { run } from '@weir/adapters/network/run.js'
import { netnsFolder } from '@weir/adapters/network/node-network.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { kernelRtnetlink, netnsAt } from '@weir/adapters/routing/netns.js'
import { nextHops } from '@weir/adapters/routing/kernel-routes.js'
import { Routing } from '@weir/adapters/routing/routing.js'
import type { ClusterState, NodeFact } from '@weir/core'
import type { RoutingMode } from '@weir/core/routing/node-ways.js'
import { emptyState } from '@weir/core/state/state.js'
import { type Bench, type Figure, median } from './bench.js'

const ticksPerSecond = 100
const stamp = { seq: 1, time: 0, source: 'bench', v: 1 } as const

/** CPU time of this process and of those that it has waited for, in milliseconds. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ')
  const ofChildren = ((Number(fields[13]) + Number(fields[14])) * 1000) / ticksPerSecond
  return (user + system) / 1000 + ofChildren
}

const addressOf = (at: number): readonly [string, string] => [
  `10.60.${at >> 8}.${at & 255}`,
  `fd60::${((at >> 8) + 1).toString(16)}:${(at & 255).toString(16)}`,
]

const nodeAt = (at: number): NodeFact => ({
  name: `node-${at}`,
  labels: {},
  addresses: addressOf(at),
  podCidrs: [`10.${64 + (at >> 8)}.${at & 255}.0/24`, `fd64:${at.toString(16)}::/64`],
})

/** The nodes numbered from 2, as this one, which is the first, has heard of them. */
function stateOf(count: number): ClusterState {
  const facts = Array.from({ length: count + 1 }, (_, at) => nodeAt(at + 1))
  return {
    ...emptyState(),
    agent: { fact: { node: 'node-1', cluster: 'default', labelFilter: [] }, seq: 1 },
    nodes: new Map(facts.map((fact, at) => [fact.name, { fact, seq: at + 2 }])),
  }
}

export const bench: Bench = {
  name: 'routes',
  summary: 'CPU time to keep routes to thousands of nodes: all at once, one more, none; against a command for each',
  options: {
    nodes: { value: 5000, help: 'other nodes, on one segment, with a block of pods of each family' },
    rounds: { value: 5, help: 'repetitions of what is repeated' },
    commands: { value: 100, help: 'nodes that are asked for by a command each' },
  },
  async run(options, say) {
    const nodes = options.number('nodes')
    const netns = `weir-bench-routes-${process.pid}`
    const path = `${netnsFolder}/${netns}`
    const figures: Record<string, Figure> = {}
    const ip = (...words: readonly string[]): Promise<string> => run('ip', ['-n', netns, ...words])
    await run('ip', ['netns', 'add', netns])
    try {
      await ip('link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'far0')
      await ip('link', 'set', 'far0', 'up')
      await ip('address', 'add', `${addressOf(1)[0]}/16`, 'dev', 'up0')
      await ip('address', 'add', `${addressOf(1)[1]}/64`, 'dev', 'up0', 'nodad')
      await ip('link', 'set', 'up0', 'up')
      let state = stateOf(nodes)
      const routing = (mode: RoutingMode): Routing =>
        new Routing({
          ...{ asked: mode, rtnetlink: kernelRtnetlink, path, clock: systemClock, state: () => state },
          ...{ addOverlays: async () => {}, useOverlays: async () => {}, addTunnels: () => {}, useTunnels: () => {} },
          report: message => say(message),
        })
      const cost = async (work: () => Promise<unknown>): Promise<number> => {
        const before = cpuMs()
        await work()
        return cpuMs() - before
      }
      for (const mode of ['native', 'vxlan'] as const) {
        const kept = routing(mode)
        state = stateOf(nodes)
        figures[`${mode}, all routes made`] = { value: await cost(() => kept.refresh()), unit: 'ms' }
        const expected = 2 * nodes
        if (kept.view.routes !== expected)
          throw new Error(`${kept.view.routes} routes, not ${expected}: ${kept.view.problem}`)
        const [unchanged, more]: [number[], number[]] = [[], []]
        for (let round = 0; round < options.number('rounds'); round++) {
          unchanged.push(await cost(() => kept.refresh()))
          const count = nodes + 1 - (round & 1)
          state = stateOf(count)
          more.push(
            await cost(async () => {
              kept.observe([{ ...stamp, kind: 'node.deleted', name: 'node-0' }])
              while (kept.view.routes !== 2 * count) await pause(10)
            }),
          )
        }
        figures[`${mode}, nothing to change`] = { value: median(unchanged), unit: 'ms' }
        figures[`${mode}, a node more or less`] = { value: median(more), unit: 'ms' }
        say(`${mode} is done`)
      }
      await routing('off').refresh()
      const asked = Array.from({ length: options.number('commands') }, (_, at) => addressOf(at + 2)[0])
      const [byCommand, byNetlink]: [number[], number[]] = [[], []]
      for (let round = 0; round < options.number('rounds'); round++) {
        byCommand.push(
          await cost(async () => {
            for (const address of asked) execFileSync('ip', ['-n', netns, '-json', 'route', 'get', address])
          }),
        )
        byNetlink.push(
          await cost(() =>
            nextHops(
              netnsAt(path),
              Array.from({ length: nodes }, (_, at) => addressOf(at + 2)[0]),
            ),
          ),
        )
      }
      const [perCommand, perRequest] = [median(byCommand) / asked.length, median(byNetlink) / nodes]
      figures['a way, by a command'] = { value: perCommand * 1000, unit: 'µs' }
      figures['a way, by netlink'] = { value: perRequest * 1000, unit: 'µs' }
      return {
        workload: { nodes, routes: 2 * nodes, commands: asked.length },
        figures,
        ratios: { 'a way: a command, over netlink': { value: perCommand / perRequest } },
      }
    } finally {
      await run('ip', ['netns', 'delete', netns])
    }
  },
}
