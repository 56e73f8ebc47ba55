import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** What a build needs from the distribution: a probe that says whether it is there, and the apt package that brings it. */
const build = [
  { name: 'clang', package: 'clang', probe: command('clang') },
  { name: 'wasm-ld', package: 'lld', probe: command('wasm-ld') },
  { name: 'llvm-strip', package: 'llvm', probe: command('llvm-strip') },
  { name: 'g++', package: 'g++', probe: command('g++') },
  { name: 'make', package: 'make', probe: command('make') },
  { name: 'python3', package: 'python3', probe: command('python3') },
  { name: 'pkg-config', package: 'pkg-config', probe: command('pkg-config') },
  { name: 'libbpf', package: 'libbpf-dev', probe: library('libbpf') },
  { name: 'libelf', package: 'libelf-dev', probe: library('libelf') },
  { name: 'zlib', package: 'zlib1g-dev', probe: library('zlib') },
  { name: 'ip', package: 'iproute2', probe: command('ip') },
]

const test = [
  { name: 'iperf3', package: 'iperf3', probe: command('iperf3') },
  { name: 'git', package: 'git', probe: command('git') },
  {
    name: 'CNI plugins',
    package: 'containernetworking-plugins',
    probe: () => existsSync('/usr/lib/cni/portmap'),
  },
]

const bench = [
  { name: 'iperf3', package: 'iperf3', probe: command('iperf3') },
  { name: 'ethtool', package: 'ethtool', probe: command('ethtool') },
]

const long = [
  { name: 'sanitizer runtime', package: sanitizerPackage, probe: sanitizerRuntime },
  // Plain tests use a container runtime where there is one, and leave a machine without as it is.
  { name: 'containerd', package: 'containerd', probe: command('containerd') },
  { name: 'runc', package: 'runc', probe: command('runc') },
]

/** What boots other kernels in an emulator. Their own packages are fetched, never installed, by the tests. */
const guest = [
  { name: 'qemu', package: 'qemu-system-x86', probe: command('qemu-system-x86_64') },
  { name: 'busybox', package: 'busybox-static', probe: command('busybox') },
  { name: 'xz', package: 'xz-utils', probe: command('xz') },
  { name: 'Debian archive keys', package: 'debian-archive-keyring', probe: () => existsSync(debianKeyring) },
]

/** What a real API server is built with, from Debian's source. */
const kubernetes = [
  { name: 'go', package: 'golang-go', probe: command('go') },
  { name: 'dpkg-source', package: 'dpkg-dev', probe: command('dpkg-source') },
  { name: 'openssl', package: 'openssl', probe: command('openssl') },
  // What Helm's templates are made of.
  {
    name: 'Sprig',
    package: 'golang-github-masterminds-sprig-dev',
    probe: goLibrary('github.com/Masterminds/sprig'),
  },
  { name: 'YAML for Go', package: 'golang-k8s-sigs-yaml-dev', probe: goLibrary('sigs.k8s.io/yaml') },
  { name: 'Debian archive keys', package: 'debian-archive-keyring', probe: () => existsSync(debianKeyring) },
]

const groups = {
  build,
  test: [...build, ...test],
  bench: [...build, ...bench],
  guest: [...build, ...test, ...guest],
  kubernetes: [...build, ...test, ...kubernetes],
  long: [...build, ...test, ...bench, ...long, ...guest],
}

function command(name) {
  return () => spawnSync('sh', ['-c', 'command -v "$0"', name], { stdio: 'ignore' }).status === 0
}

function library(name) {
  return () => spawnSync('pkg-config', ['--exists', name], { stdio: 'ignore' }).status === 0
}

function goLibrary(name) {
  return () => existsSync(`/usr/share/gocode/src/${name}`)
}

function clangMajor() {
  const out = spawnSync('clang', ['-dumpversion'], { encoding: 'utf8' })
  return out.status === 0 ? out.stdout.trim().split('.')[0] : undefined
}

function sanitizerPackage() {
  const major = clangMajor()
  return major === undefined ? 'libclang-rt-dev' : `libclang-rt-${major}-dev`
}

function sanitizerRuntime() {
  const out = spawnSync('clang', ['-print-file-name=libclang_rt.fuzzer-x86_64.a'], { encoding: 'utf8' })
  return out.status === 0 && out.stdout.trim().startsWith('/')
}

/**
 * Sees to it that the packages of a group are there; installs what is missing with apt when it may.
 * Returns the names still missing: none, unless this isn't root or apt refused.
 */
export function ensurePackages(group, say) {
  let missing = groups[group].filter(item => !item.probe())
  if (missing.length === 0) return []
  if (process.getuid?.() !== 0 || !command('apt-get')()) return missing.map(item => item.name)
  const apt = (...args) =>
    execFileSync('apt-get', args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  const wanted = () => missing.map(item => (typeof item.package === 'function' ? item.package() : item.package))
  say(`installing ${wanted().join(' ')}`)
  try {
    apt('update', '-qq')
    apt('install', '-y', '-qq', '--no-install-recommends', ...wanted())
  } catch (error) {
    say(`apt-get failed: ${error.message}`)
  }
  missing = missing.filter(item => !item.probe())
  return missing.map(item => item.name)
}
