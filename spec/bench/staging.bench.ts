import { systemClock } from '@weir/adapters/agent/clock.js'
import { StagedTrial } from '@weir/adapters/staged/trial.js'
import { Engine, type EventBody, type FlowQuery, type WeirEvent } from '@weir/core'
import type { Bench } from './bench.js'
import { podAddress } from './flow-life.js'
import { change, leastSeconds, policy, startOf } from './recorded-node.js'

export const bench: Bench = {
  name: 'staging',
  summary: 'what policies that are only tried cost: CPU time per event taken in, and per packet told of',
  options: {
    pods: { value: 500, help: 'pods of the node' },
    events: { value: 5000, help: 'events taken in' },
    staged: { value: 10, help: 'staged policies' },
    packets: { value: 200_000, help: 'packets told of' },
    rounds: { value: 3, help: 'rounds in turn; the shortest counts' },
  },
  async run(options, say) {
    const [pods, events, packets] = [options.number('pods'), options.number('events'), options.number('packets')]
    const least = { without: Infinity, staged: Infinity, told: Infinity, verdicts: Infinity }
    let otherwise = 0
    for (let round = 0; round < options.number('rounds'); round++)
      for (const staged of [0, options.number('staged')]) {
        const { engine, trial } = node(pods, staged)
        const taking = await leastSeconds(1, say, async () => takeIn(engine, trial, pods, events))
        const kind = staged === 0 ? 'without' : 'staged'
        least[kind] = Math.min(least[kind], taking)
        if (staged === 0) continue
        const judging = await leastSeconds(1, say, async () => {
          for (let at = 0; at < packets; at++) engine.verdict(packetOf(at, pods))
        })
        least.verdicts = Math.min(least.verdicts, judging)
        otherwise = 0
        const trying = await leastSeconds(1, say, async () => {
          for (let at = 0; at < packets; at++) if (trial.wouldBe(packetOf(at, pods)) !== undefined) otherwise++
        })
        least.told = Math.min(least.told, trying)
      }
    const event = (seconds: number) => ({ value: (seconds * 1e6) / events, unit: 'µs of CPU time per event' })
    const packet = (seconds: number) => ({ value: (seconds * 1e6) / packets, unit: 'µs of CPU time per packet' })
    return {
      workload: { pods, events, packets, staged: options.number('staged'), judgedOtherwise: otherwise },
      figures: {
        'taking in, nothing staged': event(least.without),
        'taking in, staged beside': event(least.staged),
        'a verdict alone': packet(least.verdicts),
        'what would become of it': packet(least.told),
      },
      ratios: { 'taking in, staged / nothing staged': { value: least.staged / least.without } },
    }
  },
}

/** A node's engine with its pods and policies, some of them staged, and the engine that tries those. */
function node(pods: number, staged: number): { readonly engine: Engine; readonly trial: StagedTrial } {
  const engine = new Engine()
  const trials = Array.from(
    { length: staged },
    (_, number): EventBody => ({
      kind: 'networkpolicy.upserted',
      policy: { ...policy(`tried-${number}`, number, number + 2), staged: true },
    }),
  )
  engine.apply(numbered([...startOf(pods), ...trials], 1))
  const trial = new StagedTrial(engine, systemClock)
  // Made when something is first asked of it.
  trial.wouldBe(packetOf(0, pods))
  return { engine, trial }
}

/** As the agent does: its own engine settles, the other one folds along. */
function takeIn(engine: Engine, trial: StagedTrial, pods: number, count: number): void {
  for (let at = 0; at < count; at++) {
    const events = numbered([change(at, pods)], engine.seq + 1)
    engine.apply(events)
    trial.folded(events)
    if (at % 100 === 0) trial.wouldBe(packetOf(at, pods))
  }
}

const numbered = (bodies: readonly EventBody[], first: number): readonly WeirEvent[] =>
  bodies.map((body, at) => ({ ...body, seq: first + at, time: 0, source: 'bench' }))

const packetOf = (at: number, pods: number): FlowQuery => ({
  ...{ from: podAddress(at % pods), to: podAddress((at * 31 + 7) % pods), protocol: 6, port: 80 },
})
