import { Fields } from './fields.js'

/** What LevelDB's MANIFEST says must be there. */
export interface Manifest {
  /** Bytes of each live table by its number. */
  readonly tables: ReadonlyMap<number, number>
  /** The journal that holds what no table does; older ones are done with. */
  readonly journal: number
}

/**
 * Folds the edits of a MANIFEST, one a record. Undefined where one can't be read.
 *
 * An edit is fields, each a tag and its values, numbers as varints: 1 comparator, 2 journal, 3 next file, 4 last
 * sequence number, 5 where a level is compacted next, 6 a table that went, 7 a table that came, 9 former journal.
 */
export function readManifest(edits: readonly Buffer[]): Manifest | undefined {
  const tables = new Map<number, number>()
  let journal = 0
  for (const edit of edits) {
    const fields = new Fields(edit)
    while (!fields.done) {
      switch (fields.number()) {
        case 1:
          fields.text()
          break
        case 2:
          journal = fields.number()
          break
        case 3:
        case 4:
        case 9:
          fields.number()
          break
        case 5:
          fields.number()
          fields.text()
          break
        case 6:
          fields.number()
          tables.delete(fields.number())
          break
        case 7: {
          fields.number()
          const table = fields.number()
          tables.set(table, fields.number())
          fields.text()
          fields.text()
          break
        }
        default:
          return undefined
      }
      if (fields.overrun) return undefined
    }
  }
  return journal === 0 ? undefined : { tables, journal }
}
