import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Features } from '@weir/datapath/backend.js'

/** What of a node is looked at: this one, or one that a test makes up. */
export interface NodeView {
  /** The text of a file; undefined where it can't be read. */
  read(path: string): string | undefined
  /** Names in a folder; none where there is no such folder. */
  list(path: string): readonly string[]
  exists(path: string): boolean
  /** Names of what runs, as /proc/PID/comm has them. */
  processes(): readonly string[]
  capabilities(): Readonly<Record<string, boolean>>
  /** Loads all programs for a moment. */
  tryKernel(): Promise<{ readonly features: Features } | { readonly obstacle: string }>
  /** Bytes free where a folder is or would be, and why it can't be written. */
  room(folder: string): { readonly free: number; readonly obstacle?: string }
}

const orNothing = <Value>(read: () => Value): Value | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

const capabilityBits = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const

/** This machine, as this process sees it. */
export const thisNode: NodeView = {
  read: path => orNothing(() => readFileSync(path, 'utf8')),
  list: path => orNothing(() => readdirSync(path)) ?? [],
  exists: existsSync,
  processes() {
    const pids = this.list('/proc').filter(name => /^\d+$/.test(name))
    return pids.flatMap(pid => this.read(`/proc/${pid}/comm`)?.trim() ?? [])
  },
  capabilities() {
    // Not by the native addon: that it can't be loaded is one of the answers.
    const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(this.read('/proc/self/status') ?? '')
    const effective = BigInt(`0x${line?.[1] ?? '0'}`)
    return Object.fromEntries(
      Object.entries(capabilityBits).map(([name, bit]) => [name, ((effective >> BigInt(bit)) & 1n) === 1n]),
    )
  },
  async tryKernel() {
    try {
      const { loadKernelBackend } = await import('@weir/datapath/kernel/create-lazily.js')
      const trial = await loadKernelBackend({ node: `check-${process.pid}` })
      const { features } = trial
      trial.uninstall()
      trial.close()
      return { features }
    } catch (error) {
      return { obstacle: error instanceof Error ? error.message : String(error) }
    }
  },
  room(folder) {
    let place = folder
    while (!existsSync(place) && dirname(place) !== place) place = dirname(place)
    try {
      accessSync(place, constants.W_OK)
      const { bavail, bsize } = statfsSync(place)
      return { free: bavail * bsize }
    } catch (error) {
      return { free: 0, obstacle: error instanceof Error ? error.message : String(error) }
    }
  },
}
