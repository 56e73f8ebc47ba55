import { basename, dirname, resolve, sep } from 'node:path'
import { watch } from 'chokidar'
import type { Listing } from './list.js'

/** Told of changes below a folder, as far as the kernel tells of them. */
export interface NoticeListener {
  /** A manifest file is complete as it is, or gone. */
  changed(file: string): void
  /** Anything may have changed. */
  unsure(): void
}

/** Watches a folder for a listener. */
export interface Notices {
  /**
   * Watches what was listed from now on.
   *
   * @returns true when some of it wasn't watched when it was listed, so that changes may have been missed.
   */
  follow(listing: Listing): boolean
  /**
   * How often the file has been written to, as of this moment; undefined while somebody is at it. What was read between
   * two equal answers is whole.
   */
  writes(file: string): number | undefined
  close(): void
}

/** Editors' files and `.git` bring no notice; `..data`, by which a mounted ConfigMap is replaced as a whole, does. */
export const isHidden = (name: string): boolean => /^\.[^.]/.test(name)

/**
 * Notices for where inotify can't be had at first hand. Nothing tells when a file is complete, so nothing is looked at
 * until all has been quiet for a while.
 *
 * The folder above is what is watched, all else in it left out, so that a root that isn't there yet or is replaced is
 * seen. Links are not followed: a loop of links traps nobody.
 */
export const gatheredNotices = (root: string, quietMs: number, listener: NoticeListener): Notices => {
  const parent = dirname(root)
  const isOurs = (path: string): boolean =>
    path === parent || path === root || (path.startsWith(root + sep) && !isHidden(basename(path)))
  const watcher = watch(parent, {
    ignoreInitial: true,
    followSymlinks: false,
    ignored: path => !isOurs(resolve(path)),
  })
  let timer: NodeJS.Timeout | undefined
  const notify = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => listener.unsure(), quietMs)
  }
  watcher.on('all', notify).on('raw', notify).on('error', notify).on('ready', notify)
  return {
    follow: () => false,
    writes: () => 0,
    close: () => {
      clearTimeout(timer)
      void watcher.close()
    },
  }
}
