// Copies what the command line needs to run, and nothing else, into a folder: what an image or a package is made of.
import { cpSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { root } from './build.mjs'

/** Files and folders, as the bundle finds them from where it lies. */
const parts = [
  'LICENSE',
  'adapters/bin',
  'adapters/bundle/weir.cjs',
  'adapters/bundle/weir.cjs.code',
  'adapters/package.json',
  'adapters/weir-cni/build/weir-cni',
  'adapters/inotify-napi/build/Release/inotify_napi.node',
  'bpf/LICENSE',
  'bpf/out/weir.o',
  'bpf/out/weir.wasm',
  'datapath/ebpf-napi/build/Release/ebpf_napi.node',
  'datapath/netns-napi/build/Release/netns_napi.node',
  `node_modules/classic-level/prebuilds/${process.platform}-${process.arch}`,
]

/**
 * @param target a folder that isn't there yet, or is empty
 * @returns bytes copied
 */
export function pack(target) {
  if (existsSync(target) && readdirSync(target).length > 0) throw new Error(`${target} isn't empty`)
  const missing = parts.filter(part => !existsSync(path.join(root, part)))
  if (missing.length > 0) throw new Error(`not built: ${missing.join(', ')}; npm run build`)
  let bytes = 0
  for (const part of parts) {
    const to = path.join(target, part)
    mkdirSync(path.dirname(to), { recursive: true })
    // Times say whether the bundle is current.
    cpSync(path.join(root, part), to, { recursive: true, preserveTimestamps: true })
    bytes += sizeOf(to)
  }
  return bytes
}

function sizeOf(file) {
  const found = statSync(file)
  if (!found.isDirectory()) return found.size
  return readdirSync(file).reduce((sum, name) => sum + sizeOf(path.join(file, name)), 0)
}
