import { basename } from 'node:path'
import type { Files, FileStat } from '@weir/adapters/manifests/files.js'
import { KernelNotices } from '@weir/adapters/manifests/kernel-notices.js'
import type { ManifestMachine } from '@weir/adapters/manifests/watch.js'
import { inotifyBits as bits, type InotifyEvent } from 'inotify-napi'
import type { Life } from './life.js'
import type { Random } from './random.js'

/** Where the agent looks for manifests. */
export const folderPath = '/simulated/manifests'

interface File {
  readonly inode: number
  readonly bytes: Uint8Array
  readonly changedMs: number
}

/** A process's inotify instance: what its events wait in until they are taken. */
interface Instance {
  readonly life: Life
  readonly watches: Map<number, string>
  readonly onEvents: (events: readonly InotifyEvent[]) => void
  waiting: InotifyEvent[]
  isTold: boolean
}

/**
 * A folder of files on the machine's disk, which others write to while processes come and go. Events of it come late, twice,
 * in another order where they are of different files, and now and then are too many for the kernel to keep.
 */
export class Folder {
  readonly #random: Random
  readonly #nowMs: () => number
  readonly #note: (what: string) => void
  readonly #onOverflow: () => void
  readonly #files = new Map<string, File>()
  readonly #instances = new Set<Instance>()
  /** Whose process looks at the files. */
  #reader: Life | undefined
  #inodes = 10

  /**
   * @param note Told of what happens to files.
   * @param onOverflow Told when events were lost, and nobody knows any more what is being written to.
   */
  constructor(random: Random, nowMs: () => number, note: (what: string) => void, onOverflow: () => void) {
    this.#note = note
    this.#random = random
    this.#nowMs = nowMs
    this.#onOverflow = onOverflow
  }

  /** Opens a file to be written anew: what it held is gone. */
  truncate(name: string): void {
    const before = this.#files.get(name)
    this.#note(`${name} is opened to be written`)
    this.#put(name, before?.inode, new Uint8Array(0))
    this.#tell(name, before === undefined ? bits.create : bits.modify)
  }

  append(name: string, more: Uint8Array): void {
    const before = this.#files.get(name)
    this.#put(name, before?.inode, Uint8Array.from([...(before?.bytes ?? []), ...more]))
    this.#tell(name, bits.modify)
  }

  close(name: string): void {
    this.#note(`${name} is closed`)
    this.#tell(name, bits.closeWrite)
  }

  /** A file that was written elsewhere comes to this place. */
  moveHere(name: string, bytes: Uint8Array, isTold: boolean): void {
    this.#note(`${name} is moved here`)
    this.#put(name, undefined, bytes)
    if (isTold) this.#tell(name, bits.movedTo)
  }

  remove(name: string, isTold: boolean): void {
    this.#note(`${name} is removed`)
    if (this.#files.delete(name) && isTold) this.#tell(name, bits.delete)
  }

  /** Whether a process looks at the files that isn't told of changes yet. */
  get isSeenBlindly(): boolean {
    if (this.#reader === undefined || this.#reader.isOver) return false
    return ![...this.#instances].some(
      ({ life, watches }) => life === this.#reader && [...watches.values()].includes(folderPath),
    )
  }

  /** As a process has it. */
  machine(life: Life): ManifestMachine {
    this.#reader = life
    const files = this.#filesOf(life)
    const inotify = (onEvents: Instance['onEvents']) => this.#open(life, onEvents)
    return {
      files,
      notices: (root, listener, nowMs) => new KernelNotices(root, listener, nowMs, { inotify, look: files.look }),
      after: (delayMs, callback) => life.after(delayMs, callback),
    }
  }

  #filesOf(life: Life): Files {
    const at = (path: string): File => {
      const file = this.#files.get(basename(path))
      if (file === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
      return file
    }
    return {
      stat: async path => {
        await life.io()
        return path === folderPath ? folderStat : statOf(at(path))
      },
      entries: async () => {
        await life.io()
        return [...this.#files.keys()].map(name => ({ name, isDirectory: () => false, isSymbolicLink: () => false }))
      },
      isThere: async path => {
        await life.io()
        return this.#files.has(basename(path))
      },
      read: async path => {
        await life.io()
        return at(path).bytes
      },
      look: path => (this.#files.has(basename(path)) ? { isLink: false, isFile: true, links: 1 } : undefined),
    }
  }

  #open(life: Life, onEvents: Instance['onEvents']) {
    const instance: Instance = { life, watches: new Map(), onEvents, waiting: [], isTold: false }
    this.#instances.add(instance)
    return {
      watch: (path: string) => {
        const known = [...instance.watches].find(([, watched]) => watched === path)?.[0]
        const watch = known ?? instance.watches.size + 1
        instance.watches.set(watch, path)
        return watch
      },
      forget: (watch: number) => void instance.watches.delete(watch),
      take: () => instance.waiting.splice(0),
      close: () => void this.#instances.delete(instance),
    }
  }

  #put(name: string, inode: number | undefined, bytes: Uint8Array): void {
    this.#files.set(name, { inode: inode ?? this.#inodes++, bytes, changedMs: this.#nowMs() })
  }

  #tell(name: string, mask: number): void {
    const isLost = this.#random.chance(0.01)
    const isDouble = this.#random.chance(0.1)
    const isEarly = this.#random.chance(0.2)
    const delayMs = this.#random.chance(0.7) ? this.#random.below(2) : this.#random.below(25)
    if (isLost) {
      this.#note('events are lost')
      this.#onOverflow()
    }
    for (const instance of this.#instances) {
      const watch = [...instance.watches].find(([, path]) => path === folderPath)?.[0]
      if (instance.life.isOver || watch === undefined) continue
      const event = { watch, mask, cookie: 0, name }
      const { waiting } = instance
      if (isLost) instance.waiting = [{ watch: -1, mask: bits.overflow, cookie: 0, name: '' }]
      else waiting.splice(isEarly && waiting.at(-1)?.name !== name ? -1 : waiting.length, 0, event)
      if (isDouble && !isLost) waiting.push(event)
      if (instance.isTold) continue
      instance.isTold = true
      instance.life.after(delayMs, () => {
        instance.isTold = false
        const events = instance.waiting.splice(0)
        if (events.length > 0) instance.onEvents(events)
      })
    }
  }
}

const statOf = ({ inode, bytes, changedMs }: File): FileStat => ({
  ...{ dev: 1n, ino: BigInt(inode), size: BigInt(bytes.length), nlink: 1n },
  ...{ mtimeNs: BigInt(changedMs) * 1_000_000n, ctimeNs: BigInt(changedMs) * 1_000_000n },
  ...{ isFile: () => true, isDirectory: () => false },
})

const folderStat: FileStat = {
  ...{ dev: 1n, ino: 2n, size: 0n, nlink: 2n, mtimeNs: 0n, ctimeNs: 0n },
  ...{ isFile: () => false, isDirectory: () => true },
}
