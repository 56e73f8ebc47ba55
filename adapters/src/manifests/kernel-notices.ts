import { dirname, join, sep } from 'node:path'
import { Inotify, type InotifyEvent, inotifyBits as bits } from 'inotify-napi'
import { type Files, machineFiles } from './files.js'
import { isManifest, type Listing } from './list.js'
import { isHidden, type NoticeListener, type Notices } from './notices.js'

const comesAndGoes = bits.create | bits.delete | bits.movedFrom | bits.movedTo
const content = bits.modify | bits.closeWrite | bits.attrib
const folderMask = comesAndGoes | content | bits.onlyDir | bits.exclUnlink

/** A writer that is silent for so long is taken to be done, though it keeps the file open. */
const patienceMs = 10_000

type InotifyInstance = Pick<Inotify, 'watch' | 'forget' | 'take' | 'close'>

/** What notices have of the kernel: this machine's, or a simulated one. */
export interface NoticeMachine {
  inotify(onEvents: (events: readonly InotifyEvent[]) => void): InotifyInstance
  readonly look: Files['look']
}

const thisMachine: NoticeMachine = { inotify: onEvents => new Inotify(onEvents), look: machineFiles.look }

/**
 * Notices by inotify: a file that is closed after writing, or moved to its place, is complete and can be read at once;
 * one that somebody has begun to write to can't, however long that takes.
 */
export class KernelNotices implements Notices {
  readonly #root: string
  readonly #listener: NoticeListener
  readonly #nowMs: () => number
  readonly #inotify: InotifyInstance
  readonly #look: Files['look']
  readonly #folders = new Map<number, string>()
  readonly #watches = new Map<string, number>()
  #links: ReadonlySet<string> = new Set()
  #maskAbove = 0
  /** Files that are being written, and when the last write was. */
  readonly #writing = new Map<string, number>()
  /** How often each file was written to, as far as the kernel tells writes apart. */
  readonly #writes = new Map<string, number>()

  /** @throws InotifyError when the user has too many inotify instances. */
  constructor(root: string, listener: NoticeListener, nowMs: () => number, machine: NoticeMachine = thisMachine) {
    this.#root = root
    this.#listener = listener
    this.#nowMs = nowMs
    this.#inotify = machine.inotify(events => this.#take(events))
    this.#look = machine.look
    this.#watchAbove(comesAndGoes)
  }

  follow({ folders, links }: Listing): boolean {
    this.#links = links
    // Much may go on in the folder above that is nothing to us, but when the root is a file itself.
    let isLate = this.#watchAbove(folders.size === 0 ? folderMask : comesAndGoes)
    for (const folder of folders) {
      if (this.#watches.has(folder)) continue
      // The root itself may be a link: it was named so.
      if (this.#watch(folder, folder === this.#root ? folderMask : folderMask | bits.dontFollow)) isLate = true
    }
    return isLate
  }

  writes(file: string): number | undefined {
    this.#take(this.#inotify.take())
    const last = this.#writing.get(file)
    return last !== undefined && this.#nowMs() < last + patienceMs ? undefined : (this.#writes.get(file) ?? 0)
  }

  close(): void {
    this.#inotify.close()
  }

  /** True when more is told of from now on. */
  #watchAbove(mask: number): boolean {
    if (mask === this.#maskAbove) return false
    const isMore = (mask & ~this.#maskAbove) !== 0
    const isWatched = this.#watch(dirname(this.#root), mask)
    this.#maskAbove = isWatched ? mask : 0
    return isWatched && isMore
  }

  /** A folder that can't be watched is gone, which its parent tells, or has changes that only a look at all finds. */
  #watch(folder: string, mask: number): boolean {
    try {
      const watch = this.#inotify.watch(folder, mask)
      this.#folders.set(watch, folder)
      this.#watches.set(folder, watch)
      return true
    } catch {
      return false
    }
  }

  #take(events: readonly InotifyEvent[]): void {
    for (const event of events) this.#event(event)
  }

  #event({ watch, mask, name }: InotifyEvent): void {
    if ((mask & bits.overflow) !== 0) {
      this.#writing.clear()
      this.#listener.unsure()
      return
    }
    const folder = this.#folders.get(watch)
    if (folder === undefined) return
    if ((mask & bits.ignored) !== 0) {
      this.#forget(folder)
      return
    }
    const path = join(folder, name)
    // Of the folder above the root nothing else is ours.
    if (path !== this.#root && !path.startsWith(this.#root + sep)) return
    if (name === '' || isHidden(name)) return
    if ((mask & bits.isDir) !== 0 || name.startsWith('..')) this.#folderEvent(path, mask)
    else if (path === this.#root || isManifest(name)) this.#fileEvent(path, mask)
    else if ((mask & comesAndGoes) !== 0 && (this.#links.has(path) || this.#look(path)?.isLink === true))
      this.#listener.unsure()
  }

  #folderEvent(path: string, mask: number): void {
    if ((mask & comesAndGoes) === 0) return
    // Its watches would go on to tell of it by the names of here.
    if ((mask & bits.movedFrom) !== 0)
      for (const [folder, watch] of this.#watches)
        if (folder === path || folder.startsWith(path + sep)) {
          this.#forget(folder)
          this.#inotify.forget(watch)
        }
    this.#listener.unsure()
  }

  #fileEvent(path: string, mask: number): void {
    if ((mask & bits.modify) !== 0) {
      this.#writes.set(path, (this.#writes.get(path) ?? 0) + 1)
      this.#writing.set(path, this.#nowMs())
    } else if ((mask & bits.create) !== 0 && this.#isNewFile(path)) this.#writing.set(path, this.#nowMs())
    else if ((mask & bits.attrib) !== 0 && this.#writing.has(path)) return
    else {
      this.#writing.delete(path)
      this.#listener.changed(path)
    }
  }

  /** True for a file that its maker has open still: a link, hard or symbolic, is complete from the start. */
  #isNewFile(path: string): boolean {
    const found = this.#look(path)
    return found === undefined || (found.isFile && found.links === 1)
  }

  #forget(folder: string): void {
    const watch = this.#watches.get(folder)
    if (watch === undefined) return
    this.#watches.delete(folder)
    this.#folders.delete(watch)
    if (folder === dirname(this.#root)) this.#maskAbove = 0
  }
}
