import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { judgePast } from '@weir/adapters/flows/what-if.js'
import type { EventBody, EventDraft, NetworkPolicyFact } from '@weir/core'
import { EventLog, FlowStore, folderStorage, type LogStorage } from '@weir/store'
import type { Bench } from './bench.js'
import { Closing } from './closing.js'
import { flowWindow, podAddress } from './flow-life.js'

export const bench: Bench = {
  name: 'what-if-flows',
  summary: 'recorded flows judged under a proposal, each by the state of its own time: CPU time of one pass',
  options: {
    flows: { value: 1_000_000, help: 'aggregated flows' },
    rows: { value: 2000, help: 'of them in a window of ten seconds' },
    pods: { value: 500, help: 'pods of the node' },
    events: { value: 1, help: 'events of the log per window, after those at the start' },
    rounds: { value: 3, help: 'passes; the shortest counts' },
  },
  async run(options, say) {
    const closing = new Closing()
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-what-if-'))
    closing.add(() => rm(folder, { recursive: true, force: true }))
    try {
      const [pods, rows, eventsPerWindow] = [options.number('pods'), options.number('rows'), options.number('events')]
      const windows = Math.ceil(options.number('flows') / rows)
      const holder = { pid: process.pid, command: 'bench', since: 0 }
      const at = (name: string): LogStorage => folderStorage({ path: join(folder, name), holder })
      const start = startOf(pods)
      const log = await EventLog.open({ storage: at('log') })
      closing.add(() => log.close())
      await log.append(start.map(draft))
      await log.append(Array.from({ length: windows * eventsPerWindow }, (_, number) => draft(change(number, pods))))
      const store = await FlowStore.open(at('flows'))
      closing.add(() => store.close())
      for (let number = 0; number < windows; number++) {
        const columns = flowWindow({ pods, rowsPerWindow: rows, eventsPerWindow, seed: 1 }, number)
        for (let row = 0; row < columns.count; row++) columns.seq[row] = columns.seq[row]! + start.length
        await store.append(columns)
      }
      say(`${store.figures.rows} flows and ${log.head.seq} events written`)
      const proposal = [draft({ kind: 'networkpolicy.upserted', policy: policy('app-1', 1, 2) })]
      let least = Number.POSITIVE_INFINITY
      let told = { flows: 0, changes: 0, cut: 0 }
      for (let round = 0; round < options.number('rounds'); round++) {
        const before = process.cpuUsage()
        const { flows, changes } = await judgePast(log, store, {}, proposal)
        const { user, system } = process.cpuUsage(before)
        least = Math.min(least, (user + system) / 1e6)
        const cut = changes.filter(each => each.change === 'newly-denied')
        told = { flows, changes: changes.length, cut: cut.reduce((sum, each) => sum + each.flows, 0) }
        say(`${((user + system) / 1e6).toFixed(2)} s of CPU time`)
      }
      return {
        workload: { flows: told.flows, pods, events: log.head.seq, cut: told.cut, changes: told.changes },
        figures: {
          'judging all': { value: least, unit: 's of CPU time', goal: { atMost: (5 * told.flows) / 1_000_000 } },
          'a flow': { value: (least * 1e6) / told.flows, unit: 'µs of CPU time' },
        },
        ratios: {},
      }
    } finally {
      await closing.close()
    }
  },
}

const apps = 20
const draft = (body: EventBody): EventDraft => ({ ...body, time: 0, source: 'bench' })
const app = (number: number) => [{ key: 'app', operator: 'In', values: [`a${number}`] }] as const

/** Lets pods of one app alone reach another. */
const policy = (name: string, to: number, from: number): NetworkPolicyFact => ({
  ...{ namespace: 'bench', name, podSelector: app(to), policyTypes: ['ingress'], egress: [] },
  ingress: [{ peers: [{ kind: 'pods', podSelector: app(from) }], ports: [] }],
})

const pod = (number: number, labels: Readonly<Record<string, string>>): EventBody => ({
  kind: 'pod.upserted',
  pod: {
    ...{ namespace: 'bench', name: `pod-${number}`, labels, serviceAccount: 'default', node: 'n1' },
    ...{ addresses: [podAddress(number)], hostNetwork: false, ports: [] },
  },
})

/** A node with its pods, and a policy for each of a few apps. */
function startOf(pods: number): readonly EventBody[] {
  return [
    { kind: 'agent.configured', agent: { node: 'n1', cluster: 'default', labelFilter: [] } },
    ...Array.from({ length: pods }, (_, number) => pod(number, { app: `a${number % apps}` })),
    ...Array.from(
      { length: pods },
      (_, number): EventBody => ({
        kind: 'endpoint.attached',
        endpoint: {
          ...{ namespace: 'bench', pod: `pod-${number}`, ifindex: 10 + number, ifname: `veth${number}` },
          ...{ hostMac: '02:00:00:00:00:01', podMac: '02:00:00:00:00:02' },
        },
      }),
    ),
    ...Array.from(
      { length: apps / 2 },
      (_, number): EventBody => ({
        kind: 'networkpolicy.upserted',
        policy: policy(`app-${2 * number}`, 2 * number, 2 * number + 1),
      }),
    ),
  ]
}

/** What goes on meanwhile: pods that change their labels, and now and then a policy. */
function change(number: number, pods: number): EventBody {
  if (number % 10 === 9)
    return { kind: 'networkpolicy.upserted', policy: policy(`other-${number % 3}`, 3, number % apps) }
  return pod(number % pods, { app: `a${(number + 1) % apps}` })
}
