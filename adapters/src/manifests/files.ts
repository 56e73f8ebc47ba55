import { type BigIntStats, closeSync, constants, type Dirent, fstatSync, lstatSync, open, readFileSync } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { promisify } from 'node:util'

export type FileStat = Pick<
  BigIntStats,
  'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs' | 'nlink' | 'isFile' | 'isDirectory'
>

/** What manifests are read from: this machine's files, or those of a simulation. Rejects as Node does. */
export interface Files {
  /** What is at a path, or where a link there leads to. */
  stat(path: string): Promise<FileStat>
  entries(folder: string): Promise<readonly Pick<Dirent, 'name' | 'isDirectory' | 'isSymbolicLink'>[]>
  /** False when not even a link to nothing is there. */
  isThere(path: string): Promise<boolean>
  /** A file's content, or how many bytes it has when these are more than so many. */
  read(path: string, mostBytes: number): Promise<Uint8Array | number>
  /** What is at a path, links not followed; undefined: nothing. */
  look(path: string): { readonly isLink: boolean; readonly isFile: boolean; readonly links: number } | undefined
}

/** A descriptor: a share that doesn't answer must not hold the agent up. */
const opened = promisify(open)

export const machineFiles: Files = {
  stat: path => stat(path, { bigint: true }),
  entries: folder => readdir(folder, { withFileTypes: true }),
  isThere: path =>
    lstat(path).then(
      () => true,
      () => false,
    ),
  async read(path, mostBytes) {
    // A pipe that took the file's place must not be waited for.
    const descriptor = await opened(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      // What is open is read at once: a turn of the thread pool for each step takes longer than all of them.
      const { size } = fstatSync(descriptor)
      return size > mostBytes ? size : readFileSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  },
  look(path) {
    const found = lstatSync(path, { throwIfNoEntry: false })
    return found && { isLink: found.isSymbolicLink(), isFile: found.isFile(), links: found.nlink }
  },
}
