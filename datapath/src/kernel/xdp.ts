import { existsSync } from 'node:fs'
import { WeirError } from '@weir/core/errors.js'
import { type BpfLink, type BpfProgram, deviceDriver, EbpfError, openPinnedLink, probe } from 'ebpf-napi'
import type { Attachment, AttachOptions, XdpChoice, XdpState } from '../backend.js'
import type { PinDirectory } from './pins.js'

const modes = ['native', 'generic'] as const
type Mode = (typeof modes)[number]
const pinKinds = { native: 'xdp-native', generic: 'xdp-generic' } as const

/**
 * What comes by a veth may have a checksum that nobody has computed yet, and frames sent back into one vanish unless its
 * other end polls. Traffic control knows of the first and is spared the second.
 */
const without: Readonly<Record<string, string>> = { veth: 'its driver is veth, which does better without' }

/**
 * Drivers that send frames which another device took, where they have a program themselves, in every kernel that Weir
 * runs on. A driver that can't loses such frames silently, so what isn't known to can is taken not to.
 */
const sending: ReadonlySet<string> = new Set([
  'bnxt_en',
  'i40e',
  'ice',
  'ixgbe',
  'mlx5_core',
  'mvneta',
  'veth',
  'virtio_net',
])

const netnsOf = ({ netns }: AttachOptions) => (netns === undefined ? {} : { netns })

/**
 * The program of north-south services at the node's devices, before the stack makes a packet of the frame. Where there is
 * none, or none at the moment, traffic control's programs do the same.
 */
export class XdpAttacher {
  readonly #pins: PinDirectory
  readonly #program: BpfProgram | undefined
  readonly #choice: XdpChoice
  readonly #reasons = new Map<number, string>()

  /** @param program absent where the kernel has no use for it */
  constructor(pins: PinDirectory, program: BpfProgram | undefined, choice: XdpChoice) {
    this.#pins = pins
    this.#program = program
    this.#choice = choice
  }

  /** @throws WeirError WEIR_KERNEL_UNSUPPORTED where native or generic is asked for and can't be had */
  attach(attachment: Attachment, options: AttachOptions): void {
    this.#reasons.delete(attachment.ifindex)
    const mode = this.#modeFor(attachment, options)
    for (const other of modes) if (other !== mode) this.#remove(attachment, other)
    if (mode === undefined || this.#program === undefined) return
    const path = this.#pins.linkPin(attachment, pinKinds[mode])
    const pinned = liveLink(path)
    if (pinned !== undefined) {
      pinned.update(this.#program)
      pinned.close()
      return
    }
    this.#pins.remove(path)
    try {
      const link = this.#program.attachXdp(attachment.ifindex, mode, netnsOf(options))
      link.pin(path)
      link.close()
    } catch (cause) {
      if (!(cause instanceof EbpfError)) throw cause
      this.#reasons.set(attachment.ifindex, cause.message)
      if (this.#choice === 'auto') return
      const payload = {
        feature: `XDP, ${mode}, at ${attachment.ifname}`,
        kernel: probe.kernelVersion().join('.'),
        detail: cause.message,
      }
      throw new WeirError('WEIR_KERNEL_UNSUPPORTED', `${payload.feature}: ${cause.message}`, payload, { cause })
    }
  }

  detach(attachment: Attachment): void {
    this.#reasons.delete(attachment.ifindex)
    for (const mode of modes) this.#remove(attachment, mode)
  }

  /** Sends the device what another one's program took? The stack does for all, where programs are the stack's own. */
  takesFrames(attachment: Attachment, options: AttachOptions): boolean {
    const { mode } = this.stateOf(attachment)
    if (mode !== 'native') return mode === 'generic'
    return sending.has(deviceDriver(attachment.ifindex, netnsOf(options)) ?? '')
  }

  stateOf(attachment: Attachment): XdpState {
    for (const mode of modes) {
      const link = liveLink(this.#pins.linkPin(attachment, pinKinds[mode]))
      if (link === undefined) continue
      link.close()
      return { mode }
    }
    const reason = this.#reasons.get(attachment.ifindex)
    return { mode: 'none', ...(reason !== undefined && { reason }) }
  }

  #modeFor({ ifindex }: Attachment, options: AttachOptions): Mode | undefined {
    if (this.#choice === 'off') return undefined
    if (this.#choice !== 'auto') return this.#choice
    const driver = deviceDriver(ifindex, netnsOf(options))
    const reason = driver === undefined ? 'it has no driver of its own' : without[driver]
    if (reason === undefined) return 'native'
    this.#reasons.set(ifindex, reason)
    return undefined
  }

  #remove(attachment: Attachment, mode: Mode): void {
    const path = this.#pins.linkPin(attachment, pinKinds[mode])
    const link = liveLink(path)
    link?.detach()
    link?.close()
    this.#pins.remove(path)
  }
}

/** The pinned link; undefined when nothing is pinned or its device is gone. */
function liveLink(path: string): BpfLink | undefined {
  if (!existsSync(path)) return undefined
  const link = openPinnedLink(path)
  if (link.info().ifindex !== 0) return link
  link.close()
  return undefined
}
