// Builds the addon of the package in the current directory; does nothing when its sources are those of the last build.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const stampPath = join('build', 'Release', 'sources.sha256')

function sourcesHash() {
  const hash = createHash('sha256').update(`${process.versions.modules} ${process.arch}`)
  const files = readdirSync('src/native').map(name => join('src/native', name))
  for (const file of ['binding.gyp', ...files].sort()) {
    hash.update(`${file}\0`).update(readFileSync(file))
  }
  return hash.digest('hex')
}

function nodeGyp() {
  try {
    return createRequire(join(process.cwd(), 'package.json')).resolve('node-gyp/bin/node-gyp.js')
  } catch {
    const globalModules = execFileSync('npm', ['root', '-g'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return join(globalModules.trim(), 'npm', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js')
  }
}

// Headers beside the running node save a download and always fit it.
function headers() {
  const beside = join(dirname(process.execPath), '..')
  const nodedir = process.env.npm_config_nodedir ?? beside
  return existsSync(join(nodedir, 'include', 'node', 'node_api.h')) ? [`--nodedir=${nodedir}`] : []
}

const wanted = sourcesHash()
const built = readdirSync('.').includes('build') && existsSync(stampPath) ? readFileSync(stampPath, 'utf8') : ''
if (built !== wanted || process.argv.includes('--force')) {
  const { status } = spawnSync(process.execPath, [nodeGyp(), 'configure', 'build', '--jobs=2', ...headers()], {
    stdio: process.argv.includes('--verbose') ? 'inherit' : ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) {
    process.stderr.write('The addon was not built; run again with --verbose to see all of the output.\n')
    process.exit(1)
  }
  writeFileSync(stampPath, wanted)
}
