import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { scanJournal } from './journal.js'
import { readManifest } from './manifest.js'
import { footerBytes, hasSoundIndexes, indexesFrom, tableFault } from './table.js'

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
 * the journal that this one lists, every record of the two journals, every block of the tables.
 */
export async function takeInventory(folder: string): Promise<readonly FileFault[]> {
  const names = new Set(await readdir(folder))
  if (!names.has('CURRENT')) return [missing('CURRENT', 'it names the list of tables')]
  const current = await readFile(join(folder, 'CURRENT'), 'latin1')
  const list = listIn(current)
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
  const file = tableFile(names, table)
  if (file === undefined) return [missing(tableName(table, 'ldb'), `it is one of the tables`)]
  const { size } = await stat(join(folder, file))
  if (size === sizeBytes) {
    const offset = tableFault(await readFile(join(folder, file)))
    return offset === undefined ? [] : [faultOf(file, { kind: 'altered', offset })]
  }
  const message = `${file} has ${size} bytes, ${sizeBytes} were written`
  return [size < sizeBytes ? cut(file, message) : { kind: 'altered-file', file, message }]
}

/**
 * Names the first of the live tables whose indexes aren't what was written, as far as a glance at their ends tells: what
 * LevelDB makes of such a one may end the process. One that a crash left half-written is no live one.
 */
export async function brokenTable(folder: string): Promise<string | undefined> {
  const names = new Set(await readdir(folder).catch((): string[] => []))
  const list = names.has('CURRENT') && listIn(await readFile(join(folder, 'CURRENT'), 'latin1'))
  if (!list || !names.has(list)) return undefined
  const { records, fault } = scanJournal(await readFile(join(folder, list)))
  if (fault !== undefined) return undefined
  for (const table of readManifest(records)?.tables.keys() ?? []) {
    const file = tableFile(names, table)
    if (file !== undefined && !(await hasSoundEnd(join(folder, file)))) return file
  }
  return undefined
}

const listIn = (current: string): string | undefined => /^(MANIFEST-\d+)\n$/.exec(current)?.[1]

const tableFile = (names: ReadonlySet<string>, table: number): string | undefined =>
  [tableName(table, 'ldb'), tableName(table, 'sst')].find(name => names.has(name))

async function hasSoundEnd(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const endFrom = async (from: number): Promise<Buffer> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from)
      return buffer.subarray(0, bytesRead)
    }
    const from = indexesFrom(await endFrom(Math.max(0, size - footerBytes)), size)
    return from !== undefined && hasSoundIndexes(await endFrom(from), size)
  } finally {
    await file.close()
  }
}

/** LevelDB writes a table once and then deletes it at most. */
export const isTable = (name: string): boolean => /\.(?:ldb|sst)$/.test(name)

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
