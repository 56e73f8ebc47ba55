#!/usr/bin/env node
/**
 * Builds the three forms of the programs: `node bpf/build.mjs [bpf|wasm|fuzz]...`; without a name, bpf and wasm.
 * A target whose sources and compiler haven't changed is skipped. Needs clang, lld, llvm-strip and libbpf's headers.
 * Where there is no clang, wasm is the copy in prebuilt/, if it was made from these sources; `prebuilt` makes it,
 * `check` tells whether it is fresh.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const out = join(here, 'out')

const warnings = ['-Wall', '-Wextra', '-Werror']
/** Debian keeps <asm/types.h> in a folder per architecture, which clang doesn't search for a foreign target. */
const multiarch = { x64: 'x86_64', arm64: 'aarch64', riscv64: 'riscv64', s390x: 's390x', ppc64: 'powerpc64le' }
const headers = ['/usr/include', `/usr/include/${multiarch[process.arch] ?? process.arch}-linux-gnu`]
  .filter(path => existsSync(path))
  .flatMap(path => ['-isystem', path])

const sources = folder =>
  readdirSync(join(here, folder))
    .filter(name => name.endsWith('.c'))
    .sort()
    .map(name => join(here, folder, name))

function run(command, parameters) {
  try {
    return execFileSync(command, parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  } catch (cause) {
    if (cause.code === 'ENOENT')
      throw new Error(`${command} isn't installed (Debian: apt-get install clang lld llvm libbpf-dev)`)
    throw new Error(`${command} failed: ${parameters.join(' ')}`)
  }
}

/** Compiles for the kernel; drops DWARF, of which libbpf reads nothing, and checks that BTF is still there. */
function compileBpf(source, target, ...flags) {
  const common = ['-O2', '-g', '-target', 'bpf', '-mcpu=v3', ...warnings, ...headers]
  run('clang', [...common, ...flags, '-c', source, '-o', target])
  run('llvm-strip', ['-g', target])
  const names = readFileSync(target).toString('latin1')
  for (const section of ['.BTF', '.BTF.ext', '.maps'])
    if (!names.includes(`${section}\0`)) throw new Error(`${relative(here, target)} has lost its ${section} section`)
}

const targets = {
  bpf: {
    files: ['weir.o', 'packet-path.o', 'packet-path-counted.o', 'way-out.o', 'xdp.o'],
    build(folder) {
      compileBpf(join(here, 'programs/weir.c'), join(folder, 'weir.o'))
      compileBpf(join(here, 'bench/packet-path.c'), join(folder, 'packet-path.o'))
      compileBpf(join(here, 'bench/way-out.c'), join(folder, 'way-out.o'))
      compileBpf(join(here, 'bench/xdp.c'), join(folder, 'xdp.o'))
      compileBpf(join(here, 'bench/packet-path.c'), join(folder, 'packet-path-counted.o'), '-DBENCH_COUNTED')
    },
  },
  wasm: {
    files: ['weir.wasm'],
    build(folder) {
      const link = ['--no-entry', '--initial-memory=4194304', '--max-memory=2147483648', '--strip-debug']
      const flags = ['--target=wasm32', '-O2', '-nostdlib', '-ffreestanding', '-mbulk-memory', ...warnings, ...headers]
      run('clang', [
        ...flags,
        ...link.map(flag => `-Wl,${flag}`),
        '-o',
        join(folder, 'weir.wasm'),
        ...sources('memory'),
      ])
    },
  },
  fuzz: {
    files: ['fuzz-packets', 'fuzz-services'],
    build(folder) {
      const sanitizers = ['-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=undefined']
      // Packet headers lie at any address, as the processors that BPF runs on allow; the compiler is told the same there.
      const flags = ['-O1', '-g', ...sanitizers, '-fno-sanitize=alignment', ...warnings]
      const parts = sources('memory').filter(path => !path.endsWith('/abi.c'))
      run('clang', [...flags, '-o', join(folder, 'fuzz-packets'), ...parts, ...sources('fuzz')])
      run('clang', [...flags, '-o', join(folder, 'fuzz-services'), ...parts, ...sources('fuzz/services')])
    },
  },
}

function walk(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return path === out || entry.name === 'prebuilt' ? [] : walk(path)
    return /\.(c|h|mjs)$/.test(entry.name) ? [path] : []
  })
}

function stateOf(target) {
  const hash = createHash('sha256')
    .update(target)
    .update(run('clang', ['--version']))
  for (const path of walk(here).sort()) hash.update(`\0${relative(here, path)}\0`).update(readFileSync(path))
  return hash.digest('hex')
}

function build(target) {
  const { files, build: make } = targets[target]
  const stamp = join(out, `.${target}`)
  const state = stateOf(target)
  const isFresh =
    existsSync(stamp) && readFileSync(stamp, 'utf8') === state && files.every(file => existsSync(join(out, file)))
  if (isFresh) return
  // Whoever reads meanwhile finds the old file or the new one, whole.
  const folder = join(out, `.${target}-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  try {
    make(folder)
    for (const file of files) renameSync(join(folder, file), join(out, file))
    writeFileSync(stamp, state)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(`bpf: built ${files.join(', ')}`)
}

/** What the WebAssembly module is made from, whatever the compiler. */
function wasmSources() {
  const hash = createHash('sha256')
  for (const path of walk(here).sort()) {
    const name = relative(here, path)
    if (/^(include|memory|programs)\//.test(name)) hash.update(`\0${name}\0`).update(readFileSync(path))
  }
  return hash.digest('hex')
}

const prebuilt = join(here, 'prebuilt')
const prebuiltStamp = join(prebuilt, 'sources.sha256')
const isPrebuiltFresh = () => existsSync(prebuiltStamp) && readFileSync(prebuiltStamp, 'utf8').trim() === wasmSources()

function hasClang() {
  try {
    execFileSync('clang', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function copyPrebuilt() {
  if (!isPrebuiltFresh()) throw new Error('there is no clang, and prebuilt/weir.wasm was made from other sources')
  copyFileSync(join(prebuilt, 'weir.wasm'), join(out, 'weir.wasm'))
  rmSync(join(out, '.wasm'), { force: true })
}

const actions = {
  prebuilt() {
    build('wasm')
    mkdirSync(prebuilt, { recursive: true })
    copyFileSync(join(out, 'weir.wasm'), join(prebuilt, 'weir.wasm'))
    writeFileSync(prebuiltStamp, `${wasmSources()}\n`)
  },
  check() {
    if (!isPrebuiltFresh()) throw new Error('prebuilt/weir.wasm is stale: node bpf/build.mjs prebuilt')
  },
  wasm() {
    if (hasClang()) build('wasm')
    else copyPrebuilt()
  },
  bpf: () => build('bpf'),
  fuzz: () => build('fuzz'),
}

const asked = process.argv.slice(2)
const unknown = asked.filter(name => !(name in actions))
if (unknown.length > 0) {
  console.error(`bpf/build.mjs: no target ${unknown.join(', ')}; there are ${Object.keys(actions).join(', ')}`)
  process.exit(2)
}
try {
  mkdirSync(out, { recursive: true })
  for (const target of asked.length > 0 ? asked : ['bpf', 'wasm']) actions[target]()
} catch (error) {
  console.error(`bpf/build.mjs: ${error.message}`)
  process.exit(1)
}
