// Makes a real API server in a cache folder: etcd as Debian has it, and kube-apiserver of Debian's source package, which
// has no binary one. Nothing of it is installed on the machine.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const cache = path.join(process.env.WEIR_CACHE ?? '/var/cache/weir', 'kubernetes')

/** Where it is once it is made. */
export const apiServerFolder = path.join(cache, 'bin')

const suite = 'bookworm'
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** @throws what a step of it fails with, whose output is seen */
export function ensureApiServer(say) {
  const made = name => existsSync(path.join(apiServerFolder, name))
  mkdirSync(apiServerFolder, { recursive: true })
  if (!made('etcd')) takeEtcd(say)
  if (!made('kube-apiserver')) buildServer(say)
}

function run(command, args, options = {}) {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options })
}

/** apt with a list of sources of its own, beside the machine's. */
function ownApt() {
  const lists = path.join(cache, 'apt', 'lists')
  mkdirSync(path.join(lists, 'partial'), { recursive: true })
  const list = path.join(cache, 'apt', 'sources.list')
  const origin = `[signed-by=${keyring}] http://deb.debian.org/debian ${suite} main`
  writeFileSync(list, `deb ${origin}\ndeb-src ${origin}\n`)
  const own = [`Dir::Etc::SourceList=${list}`, 'Dir::Etc::SourceParts=/dev/null', `Dir::State::Lists=${lists}`]
  const settings = own.flatMap(setting => ['-o', setting])
  run('apt-get', [...settings, 'update', '-qq'])
  return (args, cwd) => run('apt-get', [...settings, '-qq', ...args], { cwd })
}

/** Unpacks a package, and installs nothing: an installed server would be started as a service. */
function unpack(name, folder) {
  mkdirSync(folder, { recursive: true })
  ownApt()(['download', name], folder)
  const file = readdirSync(folder).find(each => each.endsWith('.deb'))
  run('dpkg-deb', ['-x', path.join(folder, file), folder])
}

function takeEtcd(say) {
  say('fetching etcd')
  const folder = path.join(cache, 'etcd')
  unpack('etcd-server', folder)
  renameSync(path.join(folder, 'usr', 'bin', 'etcd'), path.join(apiServerFolder, 'etcd'))
  rmSync(folder, { recursive: true })
}

/** Takes some ten minutes of two processors and 3 GB, of which 100 MB are kept. */
function buildServer(say) {
  say('fetching the source of kube-apiserver')
  const folder = path.join(cache, 'source')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  ownApt()(['source', '--download-only', 'kubernetes'], folder)
  const file = readdirSync(folder).find(name => name.endsWith('.dsc'))
  // Its vendored modules build only as of before Go had modules.
  const tree = path.join(folder, 'go', 'src', 'k8s.io', 'kubernetes')
  mkdirSync(path.dirname(tree), { recursive: true })
  run('dpkg-source', ['--no-check', '-x', path.join(folder, file), tree])
  renewReflection(folder, tree)
  say('building kube-apiserver: this takes a while')
  const env = {
    ...process.env,
    GO111MODULE: 'off',
    CGO_ENABLED: '0',
    GOPATH: path.join(folder, 'go'),
    GOCACHE: path.join(cache, 'go-cache'),
  }
  describeTypes(tree, env)
  const target = path.join(apiServerFolder, 'kube-apiserver')
  run('go', ['build', '-ldflags', '-s -w', '-o', target, './cmd/kube-apiserver'], { cwd: tree, env })
  rmSync(folder, { recursive: true })
  rmSync(path.join(cache, 'go-cache'), { recursive: true })
}

/**
 * Its copy of a library walks maps as they were before Go 1.18, and a server with it falls over the first definition of a
 * kind. Debian has the next version, with the same interface.
 */
function renewReflection(folder, tree) {
  const unpacked = path.join(folder, 'reflect2')
  unpack('golang-github-modern-go-reflect2-dev', unpacked)
  const name = path.join('github.com', 'modern-go', 'reflect2')
  const target = path.join(tree, 'vendor', name)
  rmSync(target, { recursive: true })
  cpSync(path.join(unpacked, 'usr', 'share', 'gocode', 'src', name), target, { recursive: true })
}

/** Makes what Debian's source leaves to be made: a description of every type that is tagged for it. */
function describeTypes(tree, env) {
  const tagged = execFileSync(
    'grep',
    ['-rl', '--include=*.go', '+k8s:openapi-gen=', 'staging/src/k8s.io', 'pkg', 'cmd', 'plugin'],
    {
      cwd: tree,
      encoding: 'utf8',
    },
  )
  const others = /_test\.go$|\/zz_gen|\/code-generator\/|\/sample-apiserver\/|\/testdata\//
  const files = tagged.split('\n').filter(file => file !== '' && !others.test(file))
  const folders = [...new Set(files.map(file => path.dirname(file)))]
  const names = folders.map(name => `k8s.io/kubernetes/${name.replace(/^staging\/src\/k8s\.io/, 'vendor/k8s.io')}`)
  const output = ['-p', 'k8s.io/kubernetes/pkg/generated/openapi', '-O', 'zz_generated.openapi']
  const header = ['-h', 'hack/boilerplate/boilerplate.generatego.txt', '-r', path.join(cache, 'openapi-violations')]
  const generator = './vendor/k8s.io/kube-openapi/cmd/openapi-gen'
  run('go', ['run', generator, '-i', names.sort().join(','), ...output, ...header], { cwd: tree, env })
}
