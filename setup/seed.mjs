import { spawnSync } from 'node:child_process'
import { root } from './build.mjs'

/** A number that is one for each commit; 1 where there is no repository. */
export function seedOfCommit() {
  const { status, stdout } = spawnSync('git', ['-C', root, 'rev-parse', 'HEAD'], { encoding: 'utf8' })
  return status === 0 ? Number.parseInt(stdout.slice(0, 8), 16) | 0 : 1
}
