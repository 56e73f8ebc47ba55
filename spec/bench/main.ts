import { cpus, loadavg, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { type Bench, BenchOptions, type BenchReport, type Goal, reaches } from './bench.js'
import { closeOnSignals } from './closing.js'
import { names, suffix } from './names.js'

const usage = 'usage: npm run bench -- NAME [--output json] [--FLAG VALUE]…'

/** Loads one bench alone, so that a broken one doesn't take the others with it. */
async function load(name: string): Promise<Bench> {
  const module = (await import(new URL(`./${name}${suffix}`, import.meta.url).href)) as { readonly bench: Bench }
  return module.bench
}

async function list(): Promise<void> {
  process.stdout.write(`${usage}\n       npm run bench -- NAME --help      its flags\n\n`)
  for (const name of names()) {
    const summary = await load(name).then(
      bench => bench.summary,
      (error: unknown) => `can't be loaded: ${error instanceof Error ? error.message : String(error)}`,
    )
    process.stdout.write(`${name.padEnd(14)} ${summary}\n`)
  }
}

function describe({ name, summary, options }: Bench): void {
  process.stdout.write(`${name}: ${summary}\n`)
  for (const [flag, { value, help }] of Object.entries(options))
    process.stdout.write(`  ${`--${flag} ${value}`.padEnd(26)} ${help}\n`)
}

function optionsOf(bench: Bench, args: readonly string[]): { options: BenchOptions; json: boolean } {
  const flags = Object.fromEntries(Object.keys(bench.options).map(flag => [flag, { type: 'string' as const }]))
  const { values } = parseArgs({ args: [...args], options: { ...flags, output: { type: 'string' } }, strict: true })
  const { output, ...given } = values as Record<string, string | undefined>
  if (output !== undefined && output !== 'json') throw new RangeError(`--output ${output}: only json is known`)
  const read = Object.entries(bench.options).map(([flag, { value }]) => {
    const text = given[flag]
    if (text === undefined) return [flag, value] as const
    if (typeof value === 'string') return [flag, text] as const
    const number = Number(text.replaceAll('_', ''))
    if (text === '' || !Number.isFinite(number)) throw new RangeError(`--${flag} ${text}: a number is needed`)
    return [flag, number] as const
  })
  return { options: new BenchOptions(Object.fromEntries(read)), json: output === 'json' }
}

const machine = (): Record<string, number | string> => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cpus: cpus().length,
  memoryMiB: Math.round(totalmem() / 2 ** 20),
  kernel: release(),
  node: process.version,
  load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
})

const rounded = (value: number): number => Number(value.toPrecision(4))

function print(name: string, { workload, figures, ratios }: BenchReport, about: Record<string, number | string>): void {
  const line = (label: string, value: number, unit: string, goal: Goal | undefined): string => {
    const shown = `${rounded(value).toLocaleString('en')} ${unit}`.trim()
    if (goal === undefined) return `  ${label.padEnd(40)} ${shown}\n`
    const aim = 'atLeast' in goal ? `≥ ${goal.atLeast.toLocaleString('en')}` : `≤ ${goal.atMost.toLocaleString('en')}`
    return `  ${label.padEnd(40)} ${shown.padEnd(20)} goal ${aim}: ${reaches(value, goal) ? 'reached' : 'missed'}\n`
  }
  let text = `${name}: ${JSON.stringify(workload)}\non ${JSON.stringify(about)}\n`
  for (const [label, { value, unit, goal }] of Object.entries(figures)) text += line(label, value, unit, goal)
  for (const [label, { value, goal }] of Object.entries(ratios)) text += line(label, value, '', goal)
  process.stdout.write(text)
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help') {
    await list()
    return 0
  }
  if (!names().includes(name)) {
    process.stderr.write(`no bench '${name}'; there are: ${names().join(', ')}\n${usage}\n`)
    return 2
  }
  const bench = await load(name)
  if (rest.includes('--help')) {
    describe(bench)
    return 0
  }
  let chosen: ReturnType<typeof optionsOf>
  try {
    chosen = optionsOf(bench, rest)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}\n`)
    return 2
  }
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const about = machine()
  closeOnSignals()
  const report = await bench.run(chosen.options, say)
  if (chosen.json) process.stdout.write(`${JSON.stringify({ bench: name, ...report, machine: about })}\n`)
  else print(name, report, about)
  return 0
}

process.exitCode = await main(process.argv.slice(2))
