import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasSoundIndexes, indexesFrom, readableEntries, tableFault } from '@weir/store/storage/table.js'
import type { StoredEntry } from '@weir/store/storage/stored-entry.js'
import { expect } from 'chai'
import { Level } from 'level'

describe('a table of LevelDB', () => {
  let table: Buffer
  let written: ReadonlyMap<string, string>

  /** What compresses and what doesn't, keys written over and keys deleted. */
  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weir-table-'))
    const database = new Level<string, string>(folder)
    const texts = Array.from({ length: 90 }, (_, at) => [`key ${at}`, noise(at, at % 3 === 0 ? 4 : 40)] as const)
    for (const [key, value] of texts) await database.put(key, value)
    await database.put('key 7', 'another')
    await database.del('key 8')
    await database.close()
    // What the journal held goes to a table when it is opened anew.
    const anew = new Level<string, string>(folder)
    await anew.open()
    await anew.close()
    const [name] = (await readdir(folder)).filter(each => each.endsWith('.ldb'))
    table = await readFile(join(folder, name!))
    written = new Map([...texts, ['key 7', 'another'] as const].filter(([key]) => key !== 'key 8'))
    await rm(folder, { recursive: true })
  })

  it('is sound as it was written, and says all that it was told', () => {
    expect(tableFault(table)).equals(undefined)
    expect(hasSoundIndexes(table.subarray(indexesFrom(table, table.length)), table.length)).equals(true)
    expect(Object.fromEntries(newestOf(readableEntries(table)))).deep.equals(Object.fromEntries(written))
  })

  it('isn’t, whichever byte is altered, and says nothing of keys that it hasn’t', () => {
    const ends = indexesFrom(table, table.length)!
    let whole = 0
    for (let at = 0; at < table.length; at++) {
      const altered = Buffer.from(table)
      altered[at]! ^= 0x55
      expect(tableFault(altered), `byte ${at}`).is.a('number')
      const begin = indexesFrom(altered, table.length)
      const isSound = begin !== undefined && hasSoundIndexes(altered.subarray(begin), table.length)
      expect(isSound, `the end, byte ${at}`).equals(at < ends)
      const left = newestOf(readableEntries(altered))
      if (at >= ends) expect(Object.fromEntries(left), `byte ${at}`).deep.equals(Object.fromEntries(written))
      if (left.size === written.size) whole++
    }
    expect(whole).is.greaterThan(table.length / 4)
  })

  it('is read as far as it goes where it was cut', () => {
    let most = 0
    for (let length = 0; length < table.length; length += 13) {
      const cut = table.subarray(0, length)
      expect(tableFault(cut), `${length} bytes`).is.a('number')
      for (const [key, value] of newestOf(readableEntries(cut))) {
        expect(value, `${key}, ${length} bytes`).equals(written.get(key))
        most = Math.max(most, length)
      }
    }
    expect(most).is.greaterThan(table.length / 2)
  })
})

/** @returns texts by key, without what was deleted last */
function newestOf(entries: Iterable<StoredEntry>): Map<string, string> {
  const newest = new Map<string, StoredEntry>()
  for (const entry of entries) {
    const key = entry.key.toString()
    if ((newest.get(key)?.seq ?? -1) < entry.seq) newest.set(key, entry)
  }
  return new Map([...newest].flatMap(([key, { value }]) => (value === undefined ? [] : [[key, value.toString()]])))
}

/** Text that a compressor finds little, or much, in. */
function noise(seed: number, words: number): string {
  let state = seed * 2654435761 + 1
  return Array.from({ length: words }, (_, at) => {
    if (at % 4 === 3) return 'the same again'
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state.toString(36)
  }).join(' ')
}
