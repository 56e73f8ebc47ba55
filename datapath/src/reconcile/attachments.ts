import type { Tables } from '@weir/core/tables/tables.js'
import type { Attachment, AttachOptions, Backend, Role } from '../backend.js'

/** Interfaces that got the programs, and that lost them. */
export interface AttachReport {
  readonly attached: readonly string[]
  readonly detached: readonly string[]
}

const keyOf = ({ ifindex, role = 'endpoint' }: Omit<Attachment, 'ifname'>): string => `${role} ${ifindex}`

const plain = ({ ifindex, ifname, role }: Attachment): Attachment => ({
  ifindex,
  ifname,
  ...(role !== undefined && { role }),
})

const inRole = ({ ifindex, ifname, sources }: Attachment, role: Role): Attachment => ({
  ifindex,
  ifname,
  role,
  ...(sources !== undefined && { sources }),
})

/** Which interfaces have programs: those of the endpoints that the tables wire, and the node's own devices. */
export class Attachments {
  readonly #backend: Backend
  readonly #options: AttachOptions
  readonly #known = new Map<string, Attachment>()
  #devices: readonly Attachment[] = []
  #overlays: readonly Attachment[] = []
  /** Routes may lead into others still, of the run before too: those keep the programs that they have. */
  #keepsOverlays = true
  /** Overlays that have programs of the run before. */
  readonly #resumed = new Set<string>()

  constructor(backend: Backend, options: AttachOptions) {
    this.#backend = backend
    this.#options = options
  }

  /** Takes note of what earlier runs attached. */
  resume(): void {
    for (const attachment of this.#backend.attachments(this.#options)) {
      if (attachment.role === 'overlay' && !this.#known.has(keyOf(attachment))) this.#resumed.add(keyOf(attachment))
      this.#known.set(keyOf(attachment), attachment)
    }
  }

  /** Names of interfaces whose programs somebody else took away. */
  lost(): readonly string[] {
    const there = new Set(this.#backend.attachments(this.#options).map(keyOf))
    return [...this.#known.values()].filter(attachment => !there.has(keyOf(attachment))).map(({ ifname }) => ifname)
  }

  forget(names: readonly string[]): void {
    for (const [key, { ifname }] of this.#known) if (names.includes(ifname)) this.#known.delete(key)
  }

  /** Says which devices are the node's; attaches nothing yet. */
  expectDevices(devices: readonly Attachment[]): void {
    this.#devices = devices.map(device => inRole(device, 'device'))
  }

  /** Says which devices tunnels are got into by, and whether others stay as they are; attaches nothing yet. */
  expectOverlays(overlays: readonly Attachment[], keepsOthers: boolean): void {
    this.#overlays = overlays.map(device => inRole(device, 'overlay'))
    this.#keepsOverlays = keepsOthers
  }

  /** The node's devices, those of tunnels too: packets of services may leave by either. */
  get expectedDevices(): readonly Attachment[] {
    return [...this.#devices, ...this.#overlays]
  }

  /** Numbers of devices that nobody asked for and that stay as they are. */
  get leftDevices(): ReadonlySet<number> {
    return new Set([...this.#known.values()].filter(each => this.#isLeft(each)).map(({ ifindex }) => ifindex))
  }

  /** Brings the node's devices to what is expected, and nothing else. */
  reachDevices(): AttachReport {
    const own = this.expectedDevices
    const wanted = new Set(own.map(keyOf))
    const added = own.filter(device => !this.#known.has(keyOf(device)) || this.#resumed.has(keyOf(device)))
    const removed = [...this.#known.values()].filter(
      each => (each.role ?? 'endpoint') !== 'endpoint' && !wanted.has(keyOf(each)) && !this.#isLeft(each),
    )
    return this.#change(added, removed)
  }

  /** This build's programs to every interface that is to have them, and none to others. */
  reachAll(tables: Tables): AttachReport {
    const wanted = new Map(this.expectedDevices.map(device => [keyOf(device), device]))
    for (const [, { wiring }] of tables.endpoints) if (wiring !== undefined) wanted.set(keyOf(wiring), wiring)
    const strangers = [...this.#known.values()].filter(each => !wanted.has(keyOf(each)) && !this.#isLeft(each))
    return this.#change([...wanted.values()], strangers)
  }

  /** The wirings of endpoints that came, and the interfaces of those that went. */
  reachEndpoints(wirings: readonly Attachment[], gone: readonly number[]): AttachReport {
    const added = wirings.filter(wiring => !this.#known.has(keyOf(wiring)))
    const removed = gone.flatMap(ifindex => this.#known.get(keyOf({ ifindex })) ?? [])
    return this.#change(added, removed)
  }

  #isLeft({ role }: Attachment): boolean {
    return role === 'overlay' && this.#keepsOverlays
  }

  /** Tries all of them before it fails because of one. */
  #change(added: readonly Attachment[], removed: readonly Attachment[]): AttachReport {
    const attached: string[] = []
    const detached: string[] = []
    const failures: unknown[] = []
    for (const attachment of added.map(plain)) {
      try {
        this.#backend.attach(attachment, this.#options)
        if (!this.#known.has(keyOf(attachment))) attached.push(attachment.ifname)
        this.#known.set(keyOf(attachment), attachment)
        this.#resumed.delete(keyOf(attachment))
      } catch (error) {
        failures.push(error)
      }
    }
    for (const attachment of removed) {
      try {
        this.#backend.detach(attachment, this.#options)
        this.#known.delete(keyOf(attachment))
        detached.push(attachment.ifname)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
    return { attached, detached }
  }
}
