import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mountBpffs, unmount } from 'ebpf-napi'

/** A BPF file system of a suite's own; its pins go with it. */
export function freshBpffs(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'weir-bpffs-'))
  mountBpffs(path)
  return {
    path,
    remove() {
      unmount(path)
      rmdirSync(path)
    },
  }
}
