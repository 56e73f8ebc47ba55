import { agrees, type Trial, type Untried } from './trial.js'

/** What `weir demo --output json` prints. */
export interface DemoReport {
  /** Cells tried in the first matrix: one for each sender, port, protocol and address family. */
  readonly cells: number
  readonly allowed: number
  readonly denied: number
  /** Cells, of any matrix, where packets, explanation and reference semantics don't all say the same. */
  readonly disagreements: readonly CellReport[]
  readonly digest: string
  readonly replayDigest: string
  readonly backend: 'kernel' | 'memory'
  readonly matrix: readonly CellReport[]
  readonly untried: readonly { readonly cell: string; readonly reason: string }[]
  readonly changes: readonly ChangeReport[]
  readonly events: number
  readonly timings: Readonly<Record<string, number>>
}

export interface CellReport {
  readonly from: string
  readonly to: string
  readonly family: 4 | 6
  readonly protocol: string
  readonly port: number
  readonly allowed: boolean
  readonly expected: boolean
  readonly explained: boolean
  readonly evidence: string
  readonly causes: readonly string[]
}

/** One live change: what was said, and what became of the matrix. */
export interface ChangeReport {
  readonly change: string
  /** Event that the log has of it. */
  readonly seq: number
  readonly flipped: readonly {
    readonly cell: string
    readonly allowed: boolean
    readonly before: readonly string[]
    readonly after: readonly string[]
  }[]
  readonly added: number
  readonly cells: number
}

export function cellReport(trial: Trial): CellReport {
  const { from, to, family, protocol, port } = trial.cell
  const { outcome, expected, explained, causes } = trial
  return {
    from,
    to,
    family,
    protocol,
    port,
    allowed: outcome.allowed,
    expected,
    explained,
    evidence: outcome.evidence,
    causes,
  }
}

export function disagreementsOf(trials: readonly Trial[]): readonly Trial[] {
  return trials.filter(trial => !agrees(trial))
}

export function untriedReport({ cell, reason }: Untried): { readonly cell: string; readonly reason: string } {
  return { cell: `${cell.from} → ${cell.to}:${cell.port}/${cell.protocol} (IPv${cell.family})`, reason }
}
