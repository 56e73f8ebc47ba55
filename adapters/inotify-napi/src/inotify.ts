import { endianness } from 'node:os'
import { native, type InotifyTicket } from './native.js'

/** Bits of a watch's mask, of an event's, or of both; see inotify(7). */
export const inotifyBits = {
  modify: 0x2,
  attrib: 0x4,
  closeWrite: 0x8,
  movedFrom: 0x40,
  movedTo: 0x80,
  create: 0x100,
  delete: 0x200,
  deleteSelf: 0x400,
  moveSelf: 0x800,
  /** Only in events: the file system was unmounted, events were lost, the watch is over. */
  unmount: 0x2000,
  overflow: 0x4000,
  ignored: 0x8000,
  /** Only in watches: fail on what is no folder, don't follow a link, nothing of names that are gone. */
  onlyDir: 0x1000000,
  dontFollow: 0x2000000,
  exclUnlink: 0x4000000,
  /** Only in events: the name is a folder's. */
  isDir: 0x40000000,
} as const

/** An event as the kernel tells it. */
export interface InotifyEvent {
  /** The number that `watch` gave; -1 when events were lost. */
  readonly watch: number
  readonly mask: number
  /** Connects the two halves of a rename; 0 otherwise. */
  readonly cookie: number
  /** The name in the watched folder; '' when the event is about what is watched itself. */
  readonly name: string
}

const headerBytes = 16
const bufferBytes = 64 * 1024
const isLittle = endianness() === 'LE'

/** An inotify instance. It keeps the process alive until it is closed. */
export class Inotify {
  readonly #ticket: InotifyTicket
  readonly #buffer = Buffer.alloc(bufferBytes)
  #closed = false

  /**
   * @param onEvents Told of events as they come, in the kernel's order.
   * @throws InotifyError with `code` EMFILE when the user has too many instances.
   */
  constructor(onEvents: (events: readonly InotifyEvent[]) => void) {
    this.#ticket = native.open(() => {
      const events = this.take()
      if (events.length > 0) onEvents(events)
    })
  }

  /**
   * Starts watching, or changes the mask of what is watched already.
   *
   * @returns the watch's number, which its events have.
   * @throws InotifyError with `code` ENOENT, ENOTDIR, EACCES, or ENOSPC at `fs.inotify.max_user_watches`.
   */
  watch(path: string, mask: number): number {
    return native.add(this.#ticket, path, mask)
  }

  /** Ends a watch; an `ignored` event tells that it is over. One that the kernel has ended is no error. */
  forget(watch: number): void {
    native.remove(this.#ticket, watch)
  }

  /** The events that wait in the kernel now, without waiting for the event loop; `onEvents` won't be told of them. */
  take(): readonly InotifyEvent[] {
    const events: InotifyEvent[] = []
    while (!this.#closed) {
      const length = native.read(this.#ticket, this.#buffer)
      if (length === 0) break
      for (let at = 0; at < length; ) {
        const nameBytes = this.#word(at + 12)
        const name = this.#buffer.toString('utf8', at + headerBytes, at + headerBytes + nameBytes)
        const end = name.indexOf('\0')
        events.push({
          watch: this.#word(at) | 0,
          mask: this.#word(at + 4),
          cookie: this.#word(at + 8),
          name: end < 0 ? name : name.slice(0, end),
        })
        at += headerBytes + nameBytes
      }
    }
    return events
  }

  /** Ends all watches. May be called twice. */
  close(): void {
    this.#closed = true
    native.close(this.#ticket)
  }

  #word(at: number): number {
    return isLittle ? this.#buffer.readUInt32LE(at) : this.#buffer.readUInt32BE(at)
  }
}
