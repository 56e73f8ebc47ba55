import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type BpfMap, type BpfObject, type BpfProgram, mapById, openPinnedMap, openPinnedProgram } from 'ebpf-napi'

/** A name for programs that are made of the same: same bytes, same constants, same choice of them. */
export function programsKey(source: string | Uint8Array, made: Readonly<Record<string, unknown>>): string {
  const bytes = typeof source === 'string' ? readFileSync(source) : source
  return createHash('sha256').update(bytes).update(JSON.stringify(made)).digest('hex').slice(0, 32)
}

/**
 * Pins the programs of an object, for a later run that would load the same ones: verifying them is most of what a start
 * costs. Those of other builds are let go. They are under their key as a whole or not at all.
 */
export function keepPrograms(folder: string, key: string, { programs }: BpfObject): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true })
  const making = join(folder, `new-${key}`)
  mkdirSync(making, { mode: 0o700 })
  for (const [name, program] of programs) program.pin(join(making, name))
  renameSync(making, join(folder, key))
}

/**
 * The object that an earlier run loaded, without its data sections; undefined where there is none, or its programs use
 * other maps than those that are pinned now.
 *
 * @param maps Paths of the pins, by name.
 */
export function keptObject(folder: string, key: string, maps: ReadonlyMap<string, string>): BpfObject | undefined {
  if (!readdirSync(folder).includes(key)) return undefined
  const object = new KeptObject(
    new Map([...maps].map(([name, path]) => [name, openPinnedMap(path)])),
    new Map(readdirSync(join(folder, key)).map(name => [name, openPinnedProgram(join(folder, key, name), name)])),
  )
  if (object.isWhole()) return object
  object.close()
  return undefined
}

class KeptObject implements BpfObject {
  readonly maps: ReadonlyMap<string, BpfMap>
  readonly programs: ReadonlyMap<string, BpfProgram>

  constructor(maps: ReadonlyMap<string, BpfMap>, programs: ReadonlyMap<string, BpfProgram>) {
    this.maps = maps
    this.programs = programs
  }

  /** Somebody may have put another map at a pin's place. */
  isWhole(): boolean {
    const pinned = new Set([...this.maps.values()].map(({ info }) => info.id))
    const used = new Set([...this.programs.values()].flatMap(program => program.info().mapIds))
    return [...used].every(id => pinned.has(id) || isDataSection(id))
  }

  close(): void {
    for (const each of [...this.maps.values(), ...this.programs.values()]) each.close()
  }
}

/** The kernel calls them by the object and the section, as no map of C can be called. */
function isDataSection(id: number): boolean {
  const map = mapById(id)
  try {
    return map.info.name.includes('.')
  } finally {
    map.close()
  }
}
