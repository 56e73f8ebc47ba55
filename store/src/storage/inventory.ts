import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { scanJournal } from './journal.js'
import { readManifest } from './manifest.js'

/** What is wrong with a file of the database. */
export interface FileFault {
  readonly kind: 'missing-file' | 'cut-file' | 'altered-file'
  /** Its name in `db/`. */
  readonly file: string
  /** A sentence without full stop. */
  readonly message: string
}

/**
 * Compares the files of a LevelDB folder with what it says of itself: CURRENT, the MANIFEST that it names, the tables and
 * the journal that this one lists, every record of the two journals. Tables are taken by their size; their content is for
 * the reader of the log.
 */
export async function takeInventory(folder: string): Promise<readonly FileFault[]> {
  const names = new Set(await readdir(folder))
  if (!names.has('CURRENT')) return [missing('CURRENT', 'it names the list of tables')]
  const current = await readFile(join(folder, 'CURRENT'), 'latin1')
  const list = /^(MANIFEST-\d+)\n$/.exec(current)?.[1]
  if (list === undefined) {
    const kind = current === '' || /^MANIFEST-\d*$/.test(current) ? 'cut-file' : 'altered-file'
    return [{ kind, file: 'CURRENT', message: "CURRENT doesn't name a list of tables" }]
  }
  if (!names.has(list)) return [missing(list, 'CURRENT names it as the list of tables')]
  const { records, fault } = scanJournal(await readFile(join(folder, list)))
  const manifest = readManifest(records)
  const faults: FileFault[] = []
  if (fault !== undefined) faults.push(faultOf(list, fault))
  if (manifest === undefined) return faults.length > 0 ? faults : [cut(list, `${list} lists nothing`)]
  for (const [table, sizeBytes] of manifest.tables) faults.push(...(await tableFaults(folder, names, table, sizeBytes)))
  if (!names.has(journalName(manifest.journal)))
    faults.push(missing(journalName(manifest.journal), `${list} says that it holds the newest events`))
  const journals = [...names].filter(name => /^\d+\.log$/.test(name) && Number.parseInt(name, 10) >= manifest.journal)
  for (const name of journals.sort()) {
    const scan = scanJournal(await readFile(join(folder, name)))
    if (scan.fault !== undefined) faults.push(faultOf(name, scan.fault))
  }
  return faults
}

async function tableFaults(
  folder: string,
  names: ReadonlySet<string>,
  table: number,
  sizeBytes: number,
): Promise<FileFault[]> {
  const file = [tableName(table, 'ldb'), tableName(table, 'sst')].find(name => names.has(name))
  if (file === undefined) return [missing(tableName(table, 'ldb'), `it is one of the tables`)]
  const { size } = await stat(join(folder, file))
  if (size === sizeBytes) return []
  const message = `${file} has ${size} bytes, ${sizeBytes} were written`
  return [size < sizeBytes ? cut(file, message) : { kind: 'altered-file', file, message }]
}

const tableName = (number: number, ending: string): string => `${String(number).padStart(6, '0')}.${ending}`
const journalName = (number: number): string => tableName(number, 'log')

const missing = (file: string, why: string): FileFault => ({
  kind: 'missing-file',
  file,
  message: `${file} is missing: ${why}`,
})
const cut = (file: string, message: string): FileFault => ({ kind: 'cut-file', file, message })

function faultOf(file: string, fault: { readonly kind: 'torn' | 'altered'; readonly offset: number }): FileFault {
  return fault.kind === 'torn'
    ? cut(file, `${file} ends within the record at byte ${fault.offset}: a crash or a copy left it so, or it was cut`)
    : { kind: 'altered-file', file, message: `${file} isn't what was written from byte ${fault.offset} on` }
}
