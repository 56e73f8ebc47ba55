import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './tree.js'

describe('repo: prebuilt', () => {
  it('holds the packet programs of these sources as WebAssembly, for machines without a compiler', () => {
    execFileSync(process.execPath, [join(root, 'bpf/build.mjs'), 'check'], { stdio: ['ignore', 'ignore', 'inherit'] })
  })
})
