import { parseArgs } from 'node:util'
import { cutPlan, parseCut } from './cut.js'
import { planOf } from './plan.js'
import { findingText, search } from './search.js'
import { simulate } from './simulation.js'

const usage = `usage: node spec/dist/simulation/main.js --seed N [--keep CUT]   one run, with all that happens in it
       node spec/dist/simulation/main.js --from N --seeds N      that many runs, or until a law is broken
       node spec/dist/simulation/main.js --from N --minutes N    runs for that long`

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    keep: { type: 'string' },
    from: { type: 'string', default: '1' },
    seeds: { type: 'string' },
    minutes: { type: 'string' },
  },
})

if (values.seed !== undefined) process.exitCode = await one(Number(values.seed), values.keep)
else if (values.seeds !== undefined || values.minutes !== undefined) process.exitCode = await many()
else {
  process.stderr.write(`${usage}\n`)
  process.exitCode = 2
}

async function one(seed: number, keep: string | undefined): Promise<number> {
  const plan = planOf(seed)
  const { violation, trace } = await simulate(keep === undefined ? plan : cutPlan(plan, parseCut(keep)), true)
  for (const line of trace) process.stdout.write(`${line}\n`)
  process.stdout.write(violation === undefined ? 'no law is broken\n' : `"${violation.law}": ${violation.message}\n`)
  return violation === undefined ? 0 : 1
}

async function many(): Promise<number> {
  const most = values.seeds === undefined ? Number.POSITIVE_INFINITY : Number(values.seeds)
  const untilMs = values.minutes === undefined ? Number.POSITIVE_INFINITY : Number(values.minutes) * 60_000
  const before = process.cpuUsage()
  const startMs = performance.now()
  const { finding, ...sums } = await search(
    Number(values.from),
    seeds => seeds < most && performance.now() - startMs < untilMs,
  )
  const { user, system } = process.cpuUsage(before)
  const seconds = (performance.now() - startMs) / 1000
  const figures = [
    `${sums.seeds} seeds, ${(sums.seeds / seconds).toFixed(1)} a second`,
    `${((user + system) / 1000 / Math.max(1, sums.seeds)).toFixed(1)} ms of CPU each`,
    `${sums.events} events, ${sums.lives} lives, ${sums.writes} writes, ${sums.checks} packets looked at`,
    `${(sums.virtualMs / 3_600_000).toFixed(1)} virtual hours`,
  ]
  process.stdout.write(`${figures.join('; ')}\n`)
  if (finding !== undefined) process.stdout.write(`${findingText(finding)}\n`)
  return finding === undefined ? 0 : 1
}
