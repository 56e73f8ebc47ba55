import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..')

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options })
  if (result.error !== undefined) throw new Error(`${command}: ${result.error.message}`)
  if (result.status !== 0)
    throw new Error(`${[command, ...args].join(' ')} ended with status ${result.status ?? result.signal}`)
}

/** Installs the locked npm packages of a folder unless they are there, whoever installed them. */
export function installModules(say, folder = '.') {
  const place = path.join(root, folder)
  if (areInstalled(place)) return
  say(folder === '.' ? 'installing npm packages' : `installing npm packages of ${folder}`)
  run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], { cwd: place })
}

/** Whether npm's record of what it installed has what the lock file asks for. Other platforms' packages are optional. */
function areInstalled(place) {
  const record = path.join(place, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = packagesOf(record)
  const locked = packagesOf(path.join(place, 'package-lock.json'))
  return (
    [...locked].every(([name, { optional }]) => installed.has(name) || optional || name === '') &&
    [...installed].every(([name, { version, integrity }]) => {
      const wanted = locked.get(name)
      return wanted !== undefined && wanted.version === version && wanted.integrity === integrity
    })
  )
}

const packagesOf = file => new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')).packages))

/**
 * Builds all that has changed: native addons, BPF programs, the named TypeScript projects (none named: all). Without the native tools only TypeScript is
 * built; the memory backend then runs the prebuilt WebAssembly of the same programs.
 */
export function buildAll(say, { native, projects = [] }) {
  if (native) {
    say('building native addons')
    for (const workspace of ['datapath/ebpf-napi', 'datapath/netns-napi', 'adapters/inotify-napi']) {
      run('npm', ['run', '--silent', 'build:native', '-w', workspace])
    }
    say('building the CNI plugin')
    run(process.execPath, ['adapters/weir-cni/build.mjs'])
    say('building BPF programs')
    run(process.execPath, ['bpf/build.mjs'])
  } else {
    run(process.execPath, ['bpf/build.mjs', 'wasm'])
  }
  say('building TypeScript')
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-b', ...projects])
  if (projects.length === 0 || projects.includes('adapters')) run(process.execPath, ['setup/bundle.mjs'])
}

/** Formatting and lint rules over the whole tree; false when there is something to mend. */
export function lint(say) {
  say('linting')
  try {
    run(process.execPath, ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'])
    return true
  } catch (error) {
    say(error.message)
    return false
  }
}

/** True when the kernel lets this process load eBPF: the demo then runs on it, else in memory. */
export function mayUseKernel() {
  if (process.getuid?.() !== 0) return false
  try {
    return execFileSync('uname', ['-s'], { encoding: 'utf8' }).trim() === 'Linux'
  } catch {
    return false
  }
}

export { root, run }
