import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A kernel that distributions ship, as Debian packages it. */
export interface KernelSource {
  readonly version: string
  /** Lines of an apt source list, without `deb`. */
  readonly suites: readonly string[]
}

/** One kernel on disk, ready to boot. */
export interface Kernel {
  readonly version: string
  /** As `uname -r` says it. */
  readonly release: string
  readonly imagePath: string
  /** Files of the modules that it needs, in the order in which they load. */
  readonly modulePaths: readonly string[]
}

/** Before TCX (Linux 6.6), and after it. */
export const kernelSources = [
  { version: '6.1', suites: ['http://deb.debian.org/debian-security bookworm-security main'] },
  { version: '6.12', suites: ['http://deb.debian.org/debian bookworm-backports main'] },
] as const satisfies readonly KernelSource[]

/** What a guest uses that Debian builds as modules. One that a kernel has built in, or not at all, is left out. */
const modules = [
  ...['netfs', 'fscache', 'virtio_ring', 'virtio', 'virtio_pci_legacy_dev', 'virtio_pci_modern_dev', 'virtio_pci'],
  ...['9pnet', '9p', '9pnet_virtio', 'veth', 'sch_ingress', 'cls_bpf'],
  ...['crc32c_generic', 'libcrc32c', 'udp_tunnel', 'ip6_udp_tunnel', 'sctp'],
  ...['geneve', 'vxlan', 'llc', 'stp', 'bridge'],
] as const

/** A kernel that was unpacked for other modules isn't taken for this one. */
const modulesHash = createHash('sha256').update(modules.join()).digest('hex').slice(0, 8)

const cache = fileURLToPath(new URL('../../../.weir/guest/', import.meta.url))
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * The kernel from the cache, or downloaded and unpacked there: nothing is installed, and the system's own package lists
 * stay as they are.
 *
 * @throws Error that says which step failed, without a network for one.
 */
export function fetchKernel(source: KernelSource): Kernel {
  const folder = join(cache, `${source.version}-${modulesHash}`)
  if (!existsSync(folder)) {
    const work = `${folder}.${process.pid}`
    try {
      download(source, work)
      try {
        renameSync(join(work, 'root'), folder)
      } catch (error) {
        // Somebody else was faster.
        if (!existsSync(folder)) throw error
      }
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  }
  return kernelIn(folder, source.version)
}

function kernelIn(folder: string, version: string): Kernel {
  const image = readdirSync(join(folder, 'boot')).find(name => name.startsWith('vmlinuz-'))
  if (image === undefined) throw new Error(`${folder} holds no kernel; delete it to have it made again`)
  const found = new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(path => path.endsWith('.ko'))
      .map(path => [path.slice(path.lastIndexOf('/') + 1, -'.ko'.length), join(folder, path)]),
  )
  return {
    version,
    release: image.slice('vmlinuz-'.length),
    imagePath: join(folder, 'boot', image),
    modulePaths: modules.flatMap(name => found.get(name) ?? []),
  }
}

function download({ suites }: KernelSource, work: string): void {
  for (const path of ['lists/partial', 'cache/archives/partial', 'root'])
    mkdirSync(join(work, path), { recursive: true })
  writeFileSync(
    join(work, 'sources.list'),
    suites.map(suite => `deb [arch=amd64 signed-by=${keyring}] ${suite}\n`).join(''),
  )
  const settings = {
    'Dir::Etc::SourceList': join(work, 'sources.list'),
    'Dir::Etc::SourceParts': '-',
    'Dir::State::Lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'APT::Sandbox::User': '',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': '20',
    'Acquire::Languages': 'none',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: work, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  run('apt-get', ...options, 'update', '-qq')
  const latest = /Depends: (linux-image-\S+)/.exec(run('apt-cache', ...options, 'depends', 'linux-image-amd64'))?.[1]
  if (latest === undefined) throw new Error(`${suites.join()} has no linux-image-amd64`)
  run('apt-get', ...options, 'download', '-qq', latest)
  const archive = readdirSync(work).find(name => name.endsWith('.deb'))
  if (archive === undefined) throw new Error(`apt-get brought no ${latest}`)
  // The whole of it would be half a gigabyte.
  const wanted = ['./boot/vmlinuz-*', ...modules.flatMap(name => [`*/${name}.ko`, `*/${name}.ko.xz`])]
  const unpack =
    'dpkg-deb --fsys-tarfile "$0" | tar --extract --directory root --wildcards --no-anchored "$@" 2>tar.log'
  try {
    run('sh', '-c', unpack, archive, ...wanted)
  } catch (error) {
    // tar complains of each name that isn't there, as is meant.
    if (readdirSync(join(work, 'root')).length === 0) throw error
  }
  run('find', 'root', '-name', '*.ko.xz', '-exec', 'xz', '--decompress', '{}', '+')
}
