import { Engine, type TablesDelta } from '@weir/core'
import { hashText } from '@weir/core/service/maglev-hash.js'
import {
  defaultMaglevSize,
  type MaglevMember,
  maglevSizeFor,
  maglevSizes,
  maglevTable,
} from '@weir/core/service/maglev.js'
import { TableBuilds, tableSizeFor } from '@weir/datapath/services/table-builds.js'
import { paperTable } from '../oracle/maglev.js'
import { type Bench, type Figure, median, type Ratio } from './bench.js'
import { endpoint, numbered, servicesLog, type ServicesSize, sliceOf } from './service-log.js'

export const bench: Bench = {
  name: 'services',
  summary: 'services to tables without a kernel: all at once, one of many, and Maglev tables',
  options: {
    services: { value: 10_000, help: 'services' },
    backends: { value: 10, help: 'backends of each' },
    churn: { value: 2000, help: 'changes of one service among all' },
    rounds: { value: 5, help: 'times everything is loaded; the fastest is told beside the median' },
    table: { value: 65_537, help: 'entries of the large Maglev table' },
    members: { value: 1000, help: 'backends of the large Maglev table' },
  },
  async run(options, say) {
    const size = { services: options.number('services'), backends: options.number('backends') }
    const figures: Record<string, Figure> = {}
    const ratios: Record<string, Ratio> = {}
    load(size, options.number('rounds'), figures, ratios, say)
    loadSingles(size.services, options.number('rounds'), figures, say)
    churn(size, options.number('churn'), figures, ratios, say)
    maglev(options.number('table'), options.number('members'), figures, ratios, say)
    turns(options.number('members'), figures)
    return { workload: { ...size, churn: options.number('churn') }, figures, ratios }
  },
}

const milliseconds = (work: () => unknown): number => {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / 1e6
}

const rowsOf = ({ frontends, selections, backends }: TablesDelta): number =>
  frontends.length + selections.length + backends.length

/** As many rows with fresh texts as keys in a Map as there are backends: what the machine takes for the least there is. */
function mapOfBackends({ services, backends }: ServicesSize): number {
  const keys = Array.from({ length: services * backends }, (_, index) => `${endpoint(index).addresses[0]}:8080/TCP`)
  const map = new Map<string, object>()
  const spentMs = milliseconds(() => {
    for (let index = 0; index < keys.length; index++) map.set(keys[index]!, { backend: index, local: false })
  })
  if (map.size !== keys.length) throw new RangeError('there are more backends than addresses')
  return spentMs
}

function load(
  size: ServicesSize,
  rounds: number,
  figures: Record<string, Figure>,
  ratios: Record<string, Ratio>,
  say: (line: string) => void,
): void {
  const rates: number[] = []
  const spent: number[] = []
  const least: number[] = []
  let digestMs = 0
  for (let round = 0; round < rounds; round++) {
    const events = numbered(servicesLog(size), 0)
    const engine = new Engine()
    let rows = 0
    const spentMs = milliseconds(() => {
      rows = rowsOf(engine.apply(events))
    })
    rates.push((size.services / spentMs) * 1000)
    spent.push(spentMs)
    least.push(mapOfBackends(size))
    say(`${size.services} services in ${spentMs.toFixed(0)} ms, ${rows} rows`)
    digestMs = milliseconds(() => engine.digest())
  }
  figures['projection and delta, median'] = { value: median(rates), unit: 'services/s', goal: { atLeast: 100_000 } }
  figures['projection and delta, best'] = { value: Math.max(...rates), unit: 'services/s' }
  figures['a Map of as many backends, nothing else'] = { value: median(least), unit: 'ms' }
  ratios['projection and delta / a Map of its backends'] = { value: median(spent) / median(least) }
  figures['first digest'] = { value: digestMs, unit: 'ms' }
}

/** Services of one endpoint each: what a service costs by itself, and what other balancers' benches load. */
function loadSingles(
  services: number,
  rounds: number,
  figures: Record<string, Figure>,
  say: (line: string) => void,
): void {
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) {
    const events = numbered(servicesLog({ services, backends: 1 }), 0)
    const engine = new Engine()
    const spentMs = milliseconds(() => engine.apply(events))
    rates.push((services / spentMs) * 1000)
    say(`${services} services of one endpoint in ${spentMs.toFixed(0)} ms`)
  }
  const name = 'projection and delta, one endpoint each'
  figures[`${name}, median`] = { value: median(rates), unit: 'services/s', goal: { atLeast: 100_000 } }
  figures[`${name}, best`] = { value: Math.max(...rates), unit: 'services/s' }
}

/** One service among few and among all: what it costs, and how many rows it changes. */
function churn(
  size: ServicesSize,
  times: number,
  figures: Record<string, Figure>,
  ratios: Record<string, Ratio>,
  say: (line: string) => void,
): void {
  const counts = [10, 100, 1000, 10_000].filter(services => services <= size.services)
  const medians: number[] = []
  for (const services of counts) {
    const engine = new Engine()
    engine.apply(numbered(servicesLog({ ...size, services }), 0))
    const spent: number[] = []
    const rows = new Set<number>()
    const visits = new Map<number, number>()
    for (let time = 0; time < times; time++) {
      const index = (time * 7919) % services
      const visit = (visits.get(index) ?? 0) + 1
      visits.set(index, visit)
      const first = index * size.backends + (visit % 2)
      const [event] = numbered([sliceOf(index, first, size.backends)], engine.seq)
      let delta: TablesDelta | undefined
      spent.push(
        milliseconds(() => {
          delta = engine.apply([event!])
        }) * 1000,
      )
      rows.add(rowsOf(delta!))
    }
    const sorted = spent.sort((a, b) => a - b)
    medians.push(median(sorted))
    const p99 = sorted[Math.floor(sorted.length * 0.99)]!
    figures[`one backend replaced among ${services} services, p50`] = { value: median(sorted), unit: 'µs' }
    figures[`one backend replaced among ${services} services, p99`] = { value: p99, unit: 'µs' }
    figures[`rows changed among ${services} services, at most`] = { value: Math.max(...rows), unit: 'rows' }
    say(`${services} services: ${median(sorted).toFixed(1)} µs, rows ${[...rows].join(' or ')}`)
  }
  ratios[`one change, ${counts.at(-1)} / ${counts[0]} services`] = {
    value: medians.at(-1)! / medians[0]!,
    goal: { atMost: 2 },
  }
}

/** Maglev tables as the agent makes them, a slice in each turn of the event loop. */
function turns(members: number, figures: Record<string, Figure>): void {
  const builds = new TableBuilds({ size: defaultMaglevSize, seed: 0 })
  const list = membersOf(members)
  const size = tableSizeFor(members, defaultMaglevSize)!
  const tables = 20
  const spent: number[] = []
  for (let table = 0; table < tables; ) {
    builds.rest()
    spent.push(
      milliseconds(() => {
        while (table < tables && builds.tableOf(table, size, () => list) !== undefined) table++
      }),
    )
  }
  figures[`longest turn of ${tables} tables, ${size} × ${members}`] = { value: Math.max(...spent), unit: 'ms' }
  figures['median turn of them'] = { value: median(spent), unit: 'ms' }
}

const membersOf = (count: number): MaglevMember[] =>
  Array.from({ length: count }, (_, index) => ({ key: `${endpoint(index).addresses[0]}:8080/TCP`, weight: 1 }))

function maglev(
  size: number,
  count: number,
  figures: Record<string, Figure>,
  ratios: Record<string, Ratio>,
  say: (line: string) => void,
): void {
  const list = membersOf(count)
  const seed = 1
  const backends = list.map(({ key }) => ({
    offset: hashText(key, seed) % size,
    skip: (hashText(key, ~seed) % (size - 1)) + 1,
    weight: 1,
  }))
  const own: number[] = []
  const paper: number[] = []
  // By turns, so that whatever else the machine does slows both.
  for (let round = 0; round < 5; round++) {
    own.push(milliseconds(() => maglevTable(list, { size, seed })))
    // Written out in full, the permutations of a large table don't fit into memory: then a smaller one is compared.
    if (size * count <= 100_000_000 && round < 2) paper.push(milliseconds(() => paperTable(size, backends)))
  }
  const uneven = list.map((member, index) => ({ ...member, weight: 1 + (index % 7) }))
  figures[`table ${size} × ${count}`] = { value: median(own), unit: 'ms', goal: { atMost: 100 } }
  figures[`table ${size} × ${count}, weighted`] = {
    value: median([0, 1, 2].map(() => milliseconds(() => maglevTable(uneven, { size, seed })))),
    unit: 'ms',
  }
  if (paper.length > 0) {
    figures[`the paper's pseudo-code, ${size} × ${count}`] = { value: median(paper), unit: 'ms' }
    ratios["table / the paper's pseudo-code"] = { value: median(own) / median(paper) }
  }
  say('backends    size   largest/mean   smallest/mean   moved by one loss   least possible')
  for (const number of [3, 10, 40, 100, 160]) {
    for (const of of new Set([maglevSizeFor(number), 16_381])) {
      const { most, least, loss, must } = propertiesOf(number, of)
      const cells = [most, least].map(value => value.toFixed(4).padStart(14))
      const shares = [loss, must].map(value => `${(value * 100).toFixed(2)} %`.padStart(18))
      say(`${String(number).padStart(8)} ${String(of).padStart(7)} ${cells.join('  ')} ${shares.join(' ')}`)
      figures[`largest share / mean, ${number} backends, ${of}`] = {
        value: most,
        unit: 'times',
        goal: { atMost: 1.02 },
      }
      figures[`moved by one loss / least possible, ${number} backends, ${of}`] = { value: loss / must, unit: 'times' }
    }
  }
  // What a change of size costs: a service that grows past a bound.
  const [ten, eleven] = [10, 11].map(number => keysIn(membersOf(number), 1021))
  figures['moved by one backend more, 10 to 11, one size'] = { value: movedShare(ten!, eleven!) * 100, unit: '%' }
  const grown = keysIn(membersOf(11), 2039)
  const probes = Array.from({ length: 100_000 }, (_, index) => hashText(`flow ${index}`, 7))
  const elsewhere = probes.filter(hash => ten![hash % 1021] !== grown[hash % 2039]).length
  figures['moved by one backend more, 10 to 11, next size'] = { value: (elsewhere / probes.length) * 100, unit: '%' }
  for (const each of [1021, 4093, 16_381]) {
    figures[`memory of 10,000 tables of ${each}`] = { value: (each * 4 * 10_000) / 2 ** 20, unit: 'MiB' }
  }
  say(`sizes: ${maglevSizes.join(' ')}`)
}

const keysIn = (list: readonly MaglevMember[], size: number): readonly string[] =>
  Array.from(maglevTable(list, { size, seed: 1 }), index => list[index]!.key)

const movedShare = (a: readonly string[], b: readonly string[]): number =>
  a.filter((key, slot) => key !== b[slot]).length / a.length

/** Balance, and disruption as the mean over the loss of each backend. */
function propertiesOf(count: number, size: number) {
  const list = membersOf(count)
  const before = keysIn(list, size)
  const slots = new Map<string, number>()
  for (const key of before) slots.set(key, (slots.get(key) ?? 0) + 1)
  const mean = size / count
  let loss = 0
  for (const gone of list) {
    loss += movedShare(
      before,
      keysIn(
        list.filter(member => member !== gone),
        size,
      ),
    )
  }
  return {
    most: Math.max(...slots.values()) / mean,
    least: Math.min(...slots.values()) / mean,
    loss: loss / count,
    must: 1 / count,
  }
}
