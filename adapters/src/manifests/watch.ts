import { basename, dirname, resolve, sep } from 'node:path'
import { watch } from 'chokidar'
import {
  asyncScheduler,
  concatMap,
  debounceTime,
  distinctUntilChanged,
  merge,
  Observable,
  type SchedulerLike,
  startWith,
  timer,
} from 'rxjs'
import { ManifestReader, type ReadOptions } from './read.js'
import type { ManifestSet } from './set.js'

export interface WatchOptions extends ReadOptions {
  /** How long changes are gathered before the folder is read again. */
  readonly settleMs?: number
  /** How often the folder is looked at unasked, for changes that the kernel doesn't tell of (other hosts, lost notices). */
  readonly rescanMs?: number
  readonly scheduler?: SchedulerLike
}

/** Editors' files and `.git` bring no notice; `..data`, by which a mounted ConfigMap is replaced as a whole, does. */
const isHidden = (path: string): boolean => /^\.[^.]/.test(basename(path))

/**
 * A notice that something at or below the path has changed. The folder above is what is watched, all else in it left
 * out, so that a root that isn't there yet or is replaced is seen. Links are not followed: what changes behind them is
 * found by the rescan, and a loop of links traps nobody.
 */
const notices = (root: string): Observable<void> =>
  new Observable(subscriber => {
    const parent = dirname(root)
    const isOurs = (path: string): boolean =>
      path === parent || path === root || (path.startsWith(root + sep) && !isHidden(path))
    const watcher = watch(parent, {
      ignoreInitial: true,
      followSymlinks: false,
      ignored: path => !isOurs(resolve(path)),
    })
    const notify = () => subscriber.next()
    watcher.on('all', notify).on('raw', notify).on('error', notify).on('ready', notify)
    return () => void watcher.close()
  })

/**
 * The folder's set now, and again whenever it has changed: files saved in place or by rename, deleted, moved; the
 * folder itself made, removed or replaced. Changes in quick succession make one set. While the folder is missing, what
 * it said last stays, and the set says so by a refusal. Never fails; ends when unsubscribed.
 */
export const watchManifests = (path: string, options: WatchOptions = {}): Observable<ManifestSet> => {
  const { settleMs = 100, rescanMs = 10_000, scheduler = asyncScheduler } = options
  return new Observable<ManifestSet>(subscriber => {
    const reader = new ManifestReader(path, options)
    const settled = notices(reader.root).pipe(debounceTime(settleMs, scheduler))
    const due = merge(settled, timer(rescanMs, rescanMs, scheduler)).pipe(startWith(undefined))
    const reading = due
      .pipe(
        concatMap(() => reader.read()),
        distinctUntilChanged(),
      )
      .subscribe(subscriber)
    return () => {
      reading.unsubscribe()
      // Thousands of files would keep the process alive long after nobody wants to know.
      reader.abandon()
    }
  })
}
