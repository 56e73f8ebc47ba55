import { existsSync } from 'node:fs'
import {
  type BpfLink,
  type BpfProgram,
  clsactFilter,
  EbpfError,
  openPinnedLink,
  openPinnedProgram,
  queryClsact,
} from 'ebpf-napi'
import type { Attachment, AttachOptions } from '../backend.js'
import type { PinDirectory } from './pins.js'

/** Programs by the direction of the host side's interface, as traffic control sees it. */
export interface HookPrograms {
  readonly ingress: BpfProgram
  readonly egress: BpfProgram
}

const hooks = ['ingress', 'egress'] as const

/** How programs come onto interfaces, and are found there again. */
export interface Attacher {
  attach(attachment: Attachment, options: AttachOptions): void
  detach(attachment: Attachment, options: AttachOptions): void
  attachments(): readonly Attachment[]
}

const netnsOf = ({ netns }: AttachOptions) => (netns === undefined ? {} : { netns })

/** TCX links, pinned: replaced atomically, and gone with their interface. */
export function tcxAttacher(pins: PinDirectory, programs: HookPrograms): Attacher {
  return {
    attach(attachment, options) {
      for (const hook of hooks) {
        const path = pins.linkPin(attachment, hook)
        const pinned = liveLink(path)
        if (pinned !== undefined) {
          pinned.update(programs[hook])
          pinned.close()
          continue
        }
        pins.remove(path)
        const link = programs[hook].attachTcx(attachment.ifindex, hook, netnsOf(options))
        link.pin(path)
        link.close()
      }
      // What an earlier run without TCX left would judge every packet twice.
      if (existsSync(pins.linkPin(attachment, 'clsact'))) clsactAttacher(pins, programs).detach(attachment, options)
    },
    detach(attachment) {
      for (const hook of hooks) {
        const path = pins.linkPin(attachment, hook)
        const link = liveLink(path)
        link?.detach()
        link?.close()
        pins.remove(path)
      }
    },
    attachments() {
      const found = new Map<string, Attachment & { hooks: number }>()
      for (const { attachment, kind, path } of pins.linkPins()) {
        if (kind === 'clsact') continue
        const link = liveLink(path)
        if (link === undefined) continue
        link.close()
        const name = `${attachment.ifindex}-${attachment.ifname}`
        found.set(name, { ...attachment, hooks: (found.get(name)?.hooks ?? 0) + 1 })
      }
      return [...found.values()].filter(entry => entry.hooks === 2).map(({ ifindex, ifname }) => ({ ifindex, ifname }))
    },
  }
}

/** The pinned link; undefined when nothing is pinned or its interface is gone. */
function liveLink(path: string): BpfLink | undefined {
  if (!existsSync(path)) return undefined
  const link = openPinnedLink(path)
  if (link.info().ifindex !== 0) return link
  link.close()
  return undefined
}

/** clsact filters, for kernels before 6.6: a filter is replaced in place, and a pinned program marks where it is. */
export function clsactAttacher(pins: PinDirectory, programs: HookPrograms): Attacher {
  return {
    attach(attachment, options) {
      for (const hook of hooks) programs[hook].attachClsact(attachment.ifindex, hook, netnsOf(options))
      const path = pins.linkPin(attachment, 'clsact')
      pins.remove(path)
      programs.ingress.pin(path)
      for (const hook of hooks) {
        const link = liveLink(pins.linkPin(attachment, hook))
        link?.detach()
        link?.close()
        pins.remove(pins.linkPin(attachment, hook))
      }
    },
    detach(attachment, options) {
      for (const hook of hooks) {
        try {
          clsactFilter(attachment.ifindex, hook, netnsOf(options)).detach()
        } catch (error) {
          // Gone with its interface, or by hand.
          if (!(error instanceof EbpfError && ['ENOENT', 'ENODEV', 'EINVAL'].includes(error.code))) throw error
        }
      }
      pins.remove(pins.linkPin(attachment, 'clsact'))
    },
    attachments() {
      return pins
        .linkPins()
        .filter(({ attachment, kind, path }) => kind === 'clsact' && runsPinned(attachment, path))
        .map(({ attachment }) => attachment)
    },
  }
}

/** False only when it is known that the filter isn't there: an interface in another namespace can't be asked from here. */
function runsPinned(attachment: Attachment, path: string): boolean {
  const program = openPinnedProgram(path)
  try {
    return queryClsact(attachment.ifindex, 'ingress') === program.id
  } catch (error) {
    return !(error instanceof EbpfError && error.code === 'ENODEV')
  } finally {
    program.close()
  }
}
