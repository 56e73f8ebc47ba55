import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resultsFolder } from '@weir/adapters/cni/runtime-results.js'
import { pause } from '../agent-process.js'
import { CriClient, type Message } from './cri.js'
import type { NetworkList } from './runtime.js'
import { pluginFolder, referencePlugins } from './site.js'

const image = 'weir.test/busybox:1'
const busybox = '/bin/busybox'

/** What is missing to run containers; undefined when nothing is. */
export function containerdObstacle(): string | undefined {
  const missing = ['containerd', 'ctr', 'runc'].filter(name => spawnSync(name, ['--version']).error !== undefined)
  const loopback = join(referencePlugins, 'loopback')
  const lacks = [
    ...missing,
    ...(existsSync(loopback) ? [] : [loopback]),
    ...(isStatic(busybox) ? [] : [`static ${busybox}`]),
  ]
  return lacks.length === 0 ? undefined : `needs ${lacks.join(' and ')}`
}

/** Whether a program is there and asks for no loader: there is none in the image. */
const isStatic = (file: string): boolean => existsSync(file) && !readFileSync(file).includes('/ld-linux')

/** A pod that runs: its sandbox, and the container in it. */
export interface RunningPod {
  readonly sandbox: string
  readonly container: string
  readonly config: Message
}

/** containerd with folders, a socket and an image of its own, which plugs pods in by a list of plugins. */
export class Containerd {
  readonly #folder: string
  readonly #namespace: string
  readonly #list: NetworkList
  readonly #sandboxes: string[] = []
  #process: ChildProcess | undefined
  #client: CriClient | undefined

  /** @param id of this process alone */
  constructor(id: string, list: NetworkList) {
    this.#folder = mkdtempSync(join(tmpdir(), 'weir-ctrd-'))
    this.#namespace = `weir-${id}`
    this.#list = list
  }

  async start(): Promise<void> {
    const at = (name: string): string => join(this.#folder, name)
    mkdirSync(at('bin'))
    mkdirSync(at('net.d'))
    symlinkSync(join(pluginFolder, 'weir-cni'), at('bin/weir-cni'))
    symlinkSync(join(referencePlugins, 'loopback'), at('bin/loopback'))
    writeFileSync(at('net.d/05-weir.conflist'), JSON.stringify(this.#list))
    writeFileSync(at('config.toml'), configOf(this.#folder))
    this.#process = spawn('containerd', ['--config', at('config.toml')], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    this.#process.stderr!.on('data', chunk => {
      said += String(chunk)
    })
    while (!existsSync(at('c.sock')) || !(await this.#isUp())) {
      if (this.#process.exitCode !== null) throw new Error(`containerd ended: ${said.slice(-2000)}`)
      await pause(100)
    }
    this.#ctr('image', 'import', '--snapshotter', 'native', imageIn(this.#folder))
  }

  /** A pod and one container in it that waits. */
  async run(namespace: string, name: string): Promise<RunningPod> {
    const metadata: Message = { 1: name, 2: `${this.#namespace}-${name}`, 3: namespace }
    const config: Message = { 1: metadata, 2: name, 8: { 2: { 1: { 1: podNetwork } } } }
    const sandbox = textOf(await this.#cri.call('RunPodSandbox', { 1: config }))
    this.#sandboxes.push(sandbox)
    const wanted: Message = { 1: { 1: 'main' }, 2: { 1: image }, 3: ['/bin/sleep', '100000'] }
    const container = textOf(await this.#cri.call('CreateContainer', { 1: sandbox, 2: wanted, 3: config }))
    await this.#cri.call('StartContainer', { 1: container })
    return { sandbox, container, config }
  }

  /** Runs a command in a pod's container; resolves when it has ended, with its pod if not before. */
  async exec({ container }: RunningPod, ...words: readonly string[]): Promise<{ code: number; output: string }> {
    const answer = await this.#cri.call('ExecSync', { 1: container, 2: words })
    const [output, code] = [answer.get(1) ?? '', answer.get(3) ?? 0]
    return { code: Number(code), output: String(output) }
  }

  async remove({ sandbox }: RunningPod): Promise<void> {
    await this.#cri.call('StopPodSandbox', { 1: sandbox })
    await this.#cri.call('RemovePodSandbox', { 1: sandbox })
  }

  /** Ends it, and what is left of pods that couldn't be removed. */
  async stop(): Promise<void> {
    this.#client?.close()
    const ending = this.#process
    if (ending !== undefined && ending.exitCode === null) {
      // Where one ends, containerd takes others away by itself.
      for (const task of this.#ctr('task', 'ls', '--quiet').split('\n').filter(Boolean))
        spawnSync('ctr', [...this.#where, 'task', 'rm', '--force', task], { stdio: 'ignore' })
      const gone = once(ending, 'exit')
      ending.kill('SIGTERM')
      await gone
    }
    const places = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map(line => line.split(' ')[1] ?? '')
    for (const place of places.filter(each => each.startsWith(this.#folder))) execFileSync('umount', ['--lazy', place])
    for (const sandbox of this.#sandboxes)
      for (const name of [`${this.#list.name}-${sandbox}-eth0`, `cni-loopback-${sandbox}-lo`])
        rmSync(join(resultsFolder, name), { force: true })
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #cri(): CriClient {
    this.#client ??= new CriClient(join(this.#folder, 'c.sock'))
    return this.#client
  }

  async #isUp(): Promise<boolean> {
    try {
      await this.#cri.call('Version', {})
      return true
    } catch {
      this.#client?.close()
      this.#client = undefined
      return false
    }
  }

  get #where(): readonly string[] {
    return ['--address', join(this.#folder, 'c.sock'), '--namespace', 'k8s.io']
  }

  #ctr(...words: readonly string[]): string {
    return execFileSync('ctr', [...this.#where, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  }
}

/** NamespaceMode POD. */
const podNetwork = 0

const textOf = (fields: ReadonlyMap<number, Buffer | number>): string => String(fields.get(1) ?? '')

/** Snapshots are plain copies: a container may have no overlay file system. */
const configOf = (folder: string): string => `
version = 2
root = "${folder}/root"
state = "${folder}/run"
disabled_plugins = ["io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.btrfs"]
[grpc]
address = "${folder}/c.sock"
[ttrpc]
address = "${folder}/t.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${image}"
disable_tcp_service = true
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "${folder}/bin"
conf_dir = "${folder}/net.d"
`

const ociTypes = 'application/vnd.oci.image'

/** An image with busybox alone, as an archive of the Open Container Initiative's layout. */
function imageIn(folder: string): string {
  const [files, layout] = [join(folder, 'files'), join(folder, 'layout')]
  for (const made of ['bin', 'proc', 'sys', 'dev', 'tmp', 'etc']) mkdirSync(join(files, made), { recursive: true })
  copyFileSync(busybox, join(files, 'bin/busybox'))
  for (const name of ['sleep', 'nc', 'ip', 'echo']) symlinkSync('busybox', join(files, 'bin', name))
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true })
  const blob = (bytes: Buffer): { readonly digest: string; readonly size: number } => {
    const digest = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(layout, 'blobs/sha256', digest), bytes)
    return { digest: `sha256:${digest}`, size: bytes.length }
  }
  const jsonBlob = (value: object) => blob(Buffer.from(JSON.stringify(value)))
  const pack = (from: string, to: string): string => {
    execFileSync('tar', ['-C', from, '--owner=0', '--group=0', '-cf', to, '.'])
    return to
  }
  const layer = blob(readFileSync(pack(files, join(folder, 'layer.tar'))))
  const config = jsonBlob({
    ...{ architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux' },
    config: { Cmd: ['/bin/sleep', '100000'] },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  })
  const mediaType = `${ociTypes}.manifest.v1+json`
  const manifest = jsonBlob({
    ...{ schemaVersion: 2, mediaType },
    config: { mediaType: `${ociTypes}.config.v1+json`, ...config },
    layers: [{ mediaType: `${ociTypes}.layer.v1.tar`, ...layer }],
  })
  const annotations = { 'io.containerd.image.name': image }
  writeFileSync(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  writeFileSync(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType, ...manifest, annotations }] }),
  )
  return pack(layout, join(folder, 'image.tar'))
}
