// Builds the CNI plugin into build/, next to this file; does nothing when its source is that of the last build.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const folder = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname)
const source = path.join(folder, 'weir-cni.c')
const built = path.join(folder, 'build', 'weir-cni')
const stamp = `${built}.sha256`
// Static: it runs on the host's side of a mount too, whatever C library is there.
const flags = ['-O2', '-Wall', '-Wextra', '-Werror', '-static', '-s']

const wanted = createHash('sha256')
  .update(`${flags.join(' ')} ${process.arch}`)
  .update(readFileSync(source))
  .digest('hex')
if (!existsSync(built) || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  mkdirSync(path.dirname(built), { recursive: true })
  const { status, error } = spawnSync('cc', [...flags, '-o', `${built}.${process.pid}`, source], { stdio: 'inherit' })
  if (status !== 0) {
    process.stderr.write(`The CNI plugin was not built${error === undefined ? '' : `: ${error.message}`}.\n`)
    process.exit(1)
  }
  renameSync(`${built}.${process.pid}`, built)
  writeFileSync(stamp, wanted)
}
