import { existsSync, mkdirSync, readdirSync, rmSync, unlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { WeirError } from '@weir/core/errors.js'
import { mountBpffs, probe } from 'ebpf-napi'
import type { Attachment } from '../backend.js'

/** bpffs takes no dots in names. */
const escaped = (text: string): string => encodeURIComponent(text).replaceAll('.', '%2e')

/** What was escaped; undefined when nothing comes to this name. */
function unescaped(name: string): string | undefined {
  try {
    return decodeURIComponent(name)
  } catch {
    return undefined
  }
}

/** What an interface's pins are: TCX and XDP links, or the program that a clsact filter runs, pinned to mark the place. */
export type PinKind = 'ingress' | 'egress' | 'clsact' | 'xdp-native' | 'xdp-generic'

/** The directory of a node's pins. */
export class PinDirectory {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** Those that earlier runs made, by node; none where there is no BPF file system. What else is there is no agent's. */
  static all(bpffs: string): readonly { readonly node: string; readonly pins: PinDirectory }[] {
    const parent = join(bpffs, 'weir')
    if (!existsSync(parent) || !probe.isBpffs(bpffs)) return []
    return readdirSync(parent, { withFileTypes: true }).flatMap(entry => {
      const node = entry.isDirectory() ? unescaped(entry.name) : undefined
      return node === undefined ? [] : [{ node, pins: new PinDirectory(join(parent, entry.name)) }]
    })
  }

  /**
   * Makes the directory, on a BPF file system that is mounted if there is none.
   * @throws WeirError WEIR_BPFFS_MISSING
   */
  static make(bpffs: string, node: string): PinDirectory {
    const path = join(bpffs, 'weir', escaped(node))
    try {
      // Not recursive: on procfs Node's recursive mkdir never returns.
      if (!existsSync(bpffs)) mkdirSync(bpffs)
      if (!probe.isBpffs(bpffs)) mountBpffs(bpffs)
      mkdirSync(join(path, 'maps'), { recursive: true, mode: 0o700 })
      mkdirSync(join(path, 'sockets'), { recursive: true, mode: 0o700 })
      mkdirSync(join(path, 'links'), { recursive: true, mode: 0o700 })
      mkdirSync(join(path, 'programs'), { recursive: true, mode: 0o700 })
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new WeirError(
        'WEIR_BPFFS_MISSING',
        `no BPF file system at ${bpffs}: ${reason}`,
        { path: bpffs, reason },
        { cause },
      )
    }
    return new PinDirectory(path)
  }

  /** Pins of a map, oldest geometry first: `weir_cells`, `weir_cells-2`, … */
  mapPins(name: string): readonly { readonly path: string; readonly version: number }[] {
    return readdirSync(join(this.path, 'maps'))
      .filter(entry => entry === name || entry.startsWith(`${name}-`))
      .map(entry => ({ path: join(this.path, 'maps', entry), version: Number(entry.slice(name.length + 1) || 1) }))
      .sort((a, b) => a.version - b.version)
  }

  mapPin(name: string, version: number): string {
    return join(this.path, 'maps', version === 1 ? name : `${name}-${version}`)
  }

  linkPin({ ifindex, ifname, role }: Attachment, kind: PinKind): string {
    const place = role === undefined || role === 'endpoint' ? kind : `${role}-${kind}`
    return join(this.path, 'links', `${ifindex}-${place}-${escaped(ifname)}`)
  }

  /** Where the link of a program at a cgroup's calls is pinned. */
  socketPin(program: string): string {
    return join(this.path, 'sockets', program)
  }

  /** Where programs are pinned for a run that would load the same. */
  get programs(): string {
    return join(this.path, 'programs')
  }

  /** Links of programs at a cgroup's calls. */
  socketPins(): readonly string[] {
    return this.#entries('sockets')
  }

  /** What is pinned of maps, each geometry of one by itself. */
  allMapPins(): readonly string[] {
    return this.#entries('maps')
  }

  linkPins(): readonly { readonly attachment: Attachment; readonly kind: PinKind; readonly path: string }[] {
    return this.#entries('links').flatMap(path => {
      const [, ifindex, role, kind, ifname] =
        /^(\d+)-(device-|overlay-)?(ingress|egress|clsact|xdp-native|xdp-generic)-(.+)$/.exec(basename(path)) ?? []
      const decoded = ifname === undefined ? undefined : unescaped(ifname)
      if (ifindex === undefined || kind === undefined || decoded === undefined) return []
      const attachment: Attachment = {
        ifindex: Number(ifindex),
        ifname: decoded,
        ...(role !== undefined && { role: role === 'device-' ? 'device' : 'overlay' }),
      }
      return [{ attachment, kind: kind as PinKind, path }]
    })
  }

  #entries(folder: string): readonly string[] {
    const path = join(this.path, folder)
    return existsSync(path) ? readdirSync(path).map(name => join(path, name)) : []
  }

  remove(path: string): void {
    if (existsSync(path)) unlinkSync(path)
  }

  /** Takes the directory away when it holds no pin: nothing has been made by it yet. */
  removeIfBare(): void {
    const folders = ['maps', 'links', 'sockets', 'programs'].map(name => join(this.path, name))
    if (folders.every(folder => readdirSync(folder).length === 0)) this.removeAll()
  }

  /** Takes all pins away. Programs without another holder stop. */
  removeAll(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
