import { join } from 'node:path'
import type { EventBody, EventDraft, NetworkPolicyFact } from '@weir/core'
import { EventLog, FlowStore, folderStorage, type LogStorage } from '@weir/store'
import type { BenchOptions } from './bench.js'
import type { Closing } from './closing.js'
import { flowWindow, podAddress } from './flow-life.js'

/** Flags of benches about the recorded flows of one node. */
export const recordedOptions = {
  flows: { value: 1_000_000, help: 'aggregated flows' },
  rows: { value: 2000, help: 'of them in a window of ten seconds' },
  pods: { value: 500, help: 'pods of the node' },
  events: { value: 1, help: 'events of the log per window, after those at the start' },
  rounds: { value: 3, help: 'passes; the shortest counts' },
} as const

/** The log and the flow history of a node, as the flags say. */
export async function recordedNode(
  options: BenchOptions,
  folder: string,
  closing: Closing,
): Promise<{ readonly log: EventLog; readonly store: FlowStore }> {
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
  return { log, store }
}

/** Seconds of CPU time that work takes; the least of some rounds. */
export async function leastSeconds(
  rounds: number,
  say: (line: string) => void,
  work: () => Promise<void>,
): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1e6)
    say(`${((user + system) / 1e6).toFixed(2)} s of CPU time`)
  }
  return least
}

const apps = 20
export const draft = (body: EventBody): EventDraft => ({ ...body, time: 0, source: 'bench' })
const app = (number: number) => [{ key: 'app', operator: 'In', values: [`a${number}`] }] as const

/** Lets pods of one app alone reach another. */
export const policy = (name: string, to: number, from: number): NetworkPolicyFact => ({
  ...{ namespace: 'bench', name, podSelector: app(to), policyTypes: ['ingress'], egress: [] },
  ingress: [{ peers: [{ kind: 'pods', podSelector: app(from) }], ports: [] }],
})

export const pod = (number: number, labels: Readonly<Record<string, string>>): EventBody => ({
  kind: 'pod.upserted',
  pod: {
    ...{ namespace: 'bench', name: `pod-${number}`, labels, serviceAccount: 'default', node: 'n1' },
    workload: `Deployment/app-${number % apps}`,
    ...{ addresses: [podAddress(number)], hostNetwork: false, ports: [] },
  },
})

/** A node with its pods, and a policy for each of a few apps. */
export function startOf(pods: number): readonly EventBody[] {
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
export function change(number: number, pods: number): EventBody {
  if (number % 10 === 9)
    return { kind: 'networkpolicy.upserted', policy: policy(`other-${number % 3}`, 3, number % apps) }
  return pod(number % pods, { app: `a${(number + 1) % apps}` })
}
