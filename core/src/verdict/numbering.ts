import { classMeaning, subjectMeaning } from '../digest/meaning.js'
import type { Members, Partition } from './partition.js'
import type { Verdicts } from './projection.js'

/**
 * The numbers that stand in tables, by what they mean. A kernel goes on with maps written by these numbers while the
 * agent is away: an agent that comes back with others would have to write every row again.
 */
export interface Numbering {
  readonly classes: readonly (readonly [meaning: string, number: number])[]
  readonly subjects: readonly (readonly [meaning: string, number: number])[]
  readonly rows: readonly (readonly [keys: string, id: number])[]
  readonly slots: readonly (readonly [pod: string, slot: number])[]
}

/** The numbers of settled tables. */
export function numberingOf({ peers, subjects, cells, claimants }: Verdicts): Numbering {
  return {
    classes: byMeaning(peers.classes, classMeaning),
    subjects: byMeaning(subjects.partition, subjectMeaning),
    rows: cells.rows.ids(),
    slots: claimants.slots(),
  }
}

/** Settles for the first time, with numbers as they were: what was written by them stays right. */
export function settleWith(verdicts: Verdicts, numbering: Numbering): void {
  const { peers, subjects, cells, claimants } = verdicts
  peers.classes.remember(numbering.classes, classMeaning)
  subjects.partition.remember(numbering.subjects, subjectMeaning)
  cells.rows.remember(numbering.rows)
  claimants.remember(numbering.slots)
  verdicts.settle()
  peers.classes.forget()
  subjects.partition.forget()
  cells.rows.forget()
  claimants.forget()
}

const byMeaning = <Member, Data, Kept extends Members<Member>>(
  partition: Partition<Member, Data, Kept>,
  meaning: (data: Data) => string,
): [string, number][] => [...partition.blocks()].map(({ data, number }) => [meaning(data), number])
