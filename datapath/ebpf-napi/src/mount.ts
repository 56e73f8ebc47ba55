import { mkdirSync } from 'node:fs'
import { native } from './native.js'

/** Mounts a BPF file system at a directory, which is made when missing. Mounts stack: look with probe.isBpffs before. */
export function mountBpffs(path: string): void {
  mkdirSync(path, { recursive: true })
  native.mountBpffs(path)
}

/** Unmounts what is mounted at a path; EBUSY while it is in use, EINVAL when it is no mount point. */
export function unmount(path: string): void {
  native.unmount(path)
}
