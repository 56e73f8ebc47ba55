import { existsSync, statSync } from 'node:fs'
import { WeirError } from '@weir/core/errors.js'
import { type BpfLink, type BpfProgram, EbpfError, openPinnedLink } from 'ebpf-napi'
import { type SocketProgramName, socketHooks } from '../backend.js'
import type { PinDirectory } from './pins.js'

export const socketPrograms = Object.keys(socketHooks) as readonly SocketProgramName[]

/** The programs at a cgroup's calls, as pinned links. */
export class SocketAttacher {
  readonly #pins: PinDirectory
  readonly #program: (name: SocketProgramName) => BpfProgram

  constructor(pins: PinDirectory, program: (name: SocketProgramName) => BpfProgram) {
    this.#pins = pins
    this.#program = program
  }

  attach(cgroup: string): void {
    try {
      const id = statSync(cgroup, { bigint: true }).ino
      for (const name of socketPrograms) this.#attachOne(name, cgroup, id)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const payload = { path: cgroup, reason }
      throw new WeirError('WEIR_CGROUP_UNUSABLE', `no programs at the cgroup ${cgroup}: ${reason}`, payload, { cause })
    }
  }

  detach(): void {
    for (const name of socketPrograms) this.#remove(name)
  }

  attached(): number {
    let count = 0
    for (const name of socketPrograms) {
      const link = this.#pinned(name)
      if (link === undefined) continue
      if (link.info().cgroupId !== 0n) count += 1
      link.close()
    }
    return count
  }

  #attachOne(name: SocketProgramName, cgroup: string, id: bigint): void {
    const program = this.#program(name)
    const pinned = this.#pinned(name)
    if (pinned?.info().cgroupId === id) {
      pinned.update(program)
      pinned.close()
      return
    }
    pinned?.close()
    const link = program.attachCgroup(cgroup, socketHooks[name])
    // The place of the pin is needed; meanwhile the new link translates, and the old one finds nothing left to do.
    this.#remove(name)
    link.pin(this.#pins.socketPin(name))
    link.close()
  }

  #remove(name: SocketProgramName): void {
    const link = this.#pinned(name)
    if (link === undefined) return
    try {
      link.detach()
    } catch (error) {
      // It went with its cgroup.
      if (!(error instanceof EbpfError && error.code === 'ENOLINK')) throw error
    } finally {
      link.close()
      this.#pins.remove(this.#pins.socketPin(name))
    }
  }

  #pinned(name: SocketProgramName): BpfLink | undefined {
    const path = this.#pins.socketPin(name)
    return existsSync(path) ? openPinnedLink(path) : undefined
  }
}
