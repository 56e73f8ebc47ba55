/** A measurement that `npm run bench -- NAME` can run. A file `NAME.bench.ts` in this folder exports one as `bench`. */
export interface Bench {
  readonly name: string
  /** One line for the list. */
  readonly summary: string
  /** Flags by name; `--flag VALUE` sets one. A number stays a number. */
  readonly options: Readonly<Record<string, BenchOption>>
  /** `say` prints progress for a person; nothing of it goes into the report. */
  run(options: BenchOptions, say: (line: string) => void): Promise<BenchReport>
}

export interface BenchOption {
  readonly value: number | string
  readonly help: string
}

/** The flags of one run, every one set. */
export class BenchOptions {
  readonly #values: Readonly<Record<string, number | string>>

  constructor(values: Readonly<Record<string, number | string>>) {
    this.#values = values
  }

  number(name: string): number {
    const value = this.#values[name]
    if (typeof value !== 'number') throw new TypeError(`--${name} isn't a number`)
    return value
  }

  text(name: string): string {
    return String(this.#values[name])
  }
}

export interface BenchReport {
  /** What was measured on: sizes, counts, the flags that matter. */
  readonly workload: Readonly<Record<string, number | string>>
  readonly figures: Readonly<Record<string, Figure>>
  /** Comparisons made within this run, which is what carries over to other machines. */
  readonly ratios: Readonly<Record<string, Ratio>>
}

export interface Figure {
  readonly value: number
  /** `events/s`, `µs`, `MiB`, … */
  readonly unit: string
  readonly goal?: Goal
}

export interface Ratio {
  readonly value: number
  readonly goal?: Goal
}

export type Goal = { readonly atLeast: number } | { readonly atMost: number }

export function reaches(value: number, goal: Goal): boolean {
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Wall time of `work` in seconds. */
export async function timed(work: () => unknown): Promise<number> {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1e9
}
