import { setTimeout as pause } from 'node:timers/promises'
import { type Bench, type Figure, median } from './bench.js'
import { Closing } from './closing.js'
import { type Way, ways } from './live-folder.js'
import { LiveSite, type Reached } from './live-site.js'
import { percentile } from './scale-live.js'

const stages = ['noticed', 'read', 'told apart', 'durable', 'folded', 'enforced'] as const
const manyPolicies = 1000
/** Between two changes: long enough for all that the first one started to be over. */
const quietMs = 250

interface Sample {
  readonly ms: number
  /** Time of CPUs that the agent had from the notice to the enforcement. */
  readonly cpuMs: number
  /** Milliseconds of each stage, the one before it subtracted. */
  readonly stages: ReadonlyMap<string, number>
}

async function change(site: LiveSite, way: Way, outcome: 'passes' | 'stopped'): Promise<Sample> {
  const start = site.folder.change(way, outcome)
  const { at } = await site.flip(outcome === 'passes' ? 'passed' : 'stopped')
  const reached = await site.stagesSince(start)
  const spent = new Map<string, number>()
  let before = start
  for (const stage of stages) {
    const then = reached.find(each => each.stage === stage && each.at >= before)
    if (then === undefined) continue
    spent.set(stage, Number(then.at - before) / 1e6)
    before = then.at
  }
  return { ms: Number(at - start) / 1e6, cpuMs: cpuMs(reached), stages: spent }
}

function cpuMs(reached: readonly Reached[]): number {
  const last = reached.findLast(({ stage }) => stage === 'enforced')
  return ((last?.cpuUs ?? 0) - (reached[0]?.cpuUs ?? 0)) / 1000
}

/** Rounds of one way; each is a change and one back, which counts as well where it is made in the same way. */
async function measure(site: LiveSite, way: Way, rounds: number): Promise<readonly Sample[]> {
  const samples: Sample[] = []
  const isFileThere = way === 'in place' || way === 'rename over'
  if (!isFileThere) site.folder.say('nothing')
  for (let round = 0; round < rounds; round += 1) {
    // Not in step with anything that the agent does by a timer.
    await pause(quietMs + ((round * 37) % 50))
    if (way === 'delete') {
      await change(site, 'new file', 'stopped')
      await pause(quietMs)
      samples.push(await change(site, 'delete', 'passes'))
    } else if (way === 'new file') {
      samples.push(await change(site, 'new file', 'stopped'))
      await pause(quietMs)
      await change(site, 'delete', 'passes')
    } else samples.push(await change(site, way, round % 2 === 0 ? 'stopped' : 'passes'))
  }
  if (!isFileThere) site.folder.say('passes')
  else if (rounds % 2 === 1) await change(site, way, 'passes')
  return samples
}

/** Milliseconds until all were in force; how long a turn of the sender took; CPU time of the agent. */
interface Drop {
  readonly allMs: number
  readonly turnMs: number
  readonly cpuMs: number
}

/** Policies that open a port each, moved in at once: from before that to the first datagram of the last port. */
async function dropIn(site: LiveSite, count: number, there: number): Promise<Drop> {
  await pause(quietMs)
  const { swept } = await site.sweep(count)
  const start = site.folder.dropIn(count)
  const { at, widthNs } = await swept
  const spent = cpuMs(await site.stagesSince(start))
  await site.policiesAre(there + count)
  site.folder.takeOut()
  await site.policiesAre(there)
  return { allMs: Number(at - start) / 1e6, turnMs: widthNs / 1e6, cpuMs: spent }
}

export const bench: Bench = {
  name: 'live',
  summary: 'a policy file changed on disk → the first packet judged by it, by an agent on the kernel',
  options: {
    rounds: { value: 20, help: 'changes of each way and number of policies' },
    policies: { value: '1,100,1000', help: 'numbers of policies in the folder, a file each' },
    interval: { value: 50, help: 'µs between two datagrams: what the measurement can tell apart' },
    dropped: { value: manyPolicies, help: 'policies dropped in at once, 0 for none' },
    drops: { value: 3, help: 'times they are' },
    only: { value: '', help: 'ways whose name holds this' },
  },
  async run(options, say) {
    const [rounds, interval, dropped] = [
      options.number('rounds'),
      options.number('interval'),
      options.number('dropped'),
    ]
    const figures: Record<string, Figure> = {}
    const only = options.text('only')
    for (const policies of options.text('policies').split(',').map(Number)) {
      const closing = new Closing()
      try {
        const site = await LiveSite.create(policies, interval, closing)
        for (const way of ways) {
          if (!way.includes(only)) continue
          const samples = await measure(site, way, rounds)
          const times = samples.map(({ ms }) => ms)
          const title = `${policies.toLocaleString('en')} policies, ${way}`
          const goal = policies === manyPolicies && way !== 'delete' ? { goal: { atMost: 5 } } : {}
          figures[`${title}, p50`] = { value: percentile(times, 0.5), unit: 'ms', ...goal }
          figures[`${title}, p99`] = { value: percentile(times, 0.99), unit: 'ms' }
          figures[`${title}, CPU of the agent`] = { value: median(samples.map(({ cpuMs }) => cpuMs)), unit: 'ms' }
          for (const stage of stages) {
            const spent = samples.flatMap(({ stages }) => stages.get(stage) ?? [])
            if (spent.length > 0) figures[`${title}, of that until ${stage}`] = { value: median(spent), unit: 'ms' }
          }
          say(`${title}: ${times.map(ms => ms.toFixed(1)).join(' ')}`)
        }
        if (dropped > 0 && 'dropped in'.includes(only)) {
          const found: Drop[] = []
          for (let drop = 0; drop < options.number('drops'); drop += 1)
            found.push(await dropIn(site, dropped, policies))
          const title = `${dropped.toLocaleString('en')} dropped in beside ${policies.toLocaleString('en')}`
          const of = (part: keyof Drop): number => median(found.map(each => each[part]))
          figures[`${title}, all in force`] = { value: of('allMs'), unit: 'ms', goal: { atMost: 1000 } }
          figures[`${title}, CPU of the agent`] = { value: of('cpuMs'), unit: 'ms' }
          for (const { allMs, turnMs } of found) say(`${title}: ${allMs.toFixed(0)} ± ${turnMs.toFixed(0)} ms`)
        }
      } finally {
        await closing.close()
      }
    }
    const workload = { rounds, interval: `${interval} µs`, log: 'LevelDB, synced', backend: 'kernel', dropped }
    return { workload, figures, ratios: {} }
  },
}
