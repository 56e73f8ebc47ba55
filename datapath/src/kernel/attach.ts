import { existsSync } from 'node:fs'
import {
  type BpfLink,
  type BpfProgram,
  type ClsactOptions,
  clsactFilter,
  EbpfError,
  openPinnedLink,
  openPinnedProgram,
  queryClsact,
} from 'ebpf-napi'
import type { Attachment, AttachOptions, Role } from '../backend.js'
import type { PinDirectory } from './pins.js'

/** Programs by the direction of the interface, as traffic control sees it. */
export interface HookPrograms {
  readonly ingress: BpfProgram
  readonly egress: BpfProgram
}
export type RolePrograms = Readonly<Record<Role, HookPrograms>>

const roleOf = ({ role = 'endpoint' }: Attachment): Role => role

const hooks = ['ingress', 'egress'] as const

/** How programs come onto interfaces, and are found there again. */
export interface Attacher {
  attach(attachment: Attachment, options: AttachOptions): void
  detach(attachment: Attachment, options: AttachOptions): void
  attachments(options: AttachOptions): readonly Attachment[]
}

const netnsOf = ({ netns }: AttachOptions) => (netns === undefined ? {} : { netns })

/** TCX links, pinned: replaced atomically, and gone with their interface. */
export function tcxAttacher(pins: PinDirectory, programs: RolePrograms): Attacher {
  return {
    attach(attachment, options) {
      const own = programs[roleOf(attachment)]
      for (const hook of hooks) {
        const path = pins.linkPin(attachment, hook)
        const pinned = liveLink(path)
        if (pinned !== undefined) {
          pinned.update(own[hook])
          pinned.close()
          continue
        }
        pins.remove(path)
        const link = own[hook].attachTcx(attachment.ifindex, hook, netnsOf(options))
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
        if (kind !== 'ingress' && kind !== 'egress') continue
        const link = liveLink(path)
        if (link === undefined) continue
        link.close()
        const name = `${roleOf(attachment)}-${attachment.ifindex}-${attachment.ifname}`
        found.set(name, { ...attachment, hooks: (found.get(name)?.hooks ?? 0) + 1 })
      }
      return [...found.values()].filter(entry => entry.hooks === 2).map(({ hooks: _, ...attachment }) => attachment)
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

/** A pod's interface is ours alone. At the node's devices others have filters, at the places that tools take first. */
const places: Readonly<Record<Role, ClsactOptions>> = {
  endpoint: {},
  overlay: {},
  device: { handle: 0x5765, priority: 0x5765 },
}

const placeOf = (attachment: Attachment, options: AttachOptions): ClsactOptions => ({
  ...places[roleOf(attachment)],
  ...netnsOf(options),
})

/** clsact filters, for kernels before 6.6: a filter is replaced in place, and a pinned program marks where it is. */
export function clsactAttacher(pins: PinDirectory, programs: RolePrograms): Attacher {
  return {
    attach(attachment, options) {
      const own = programs[roleOf(attachment)]
      for (const hook of hooks) own[hook].attachClsact(attachment.ifindex, hook, placeOf(attachment, options))
      const path = pins.linkPin(attachment, 'clsact')
      pins.remove(path)
      own.ingress.pin(path)
      for (const hook of hooks) {
        const link = liveLink(pins.linkPin(attachment, hook))
        link?.detach()
        link?.close()
        pins.remove(pins.linkPin(attachment, hook))
      }
    },
    detach(attachment, options) {
      detachFilters(attachment, options)
      pins.remove(pins.linkPin(attachment, 'clsact'))
    },
    attachments(options) {
      return pins
        .linkPins()
        .filter(({ attachment, kind, path }) => kind === 'clsact' && runsPinned(attachment, path, options))
        .map(({ attachment }) => attachment)
    },
  }
}

/** Takes the filters of both directions from an interface. */
export function detachFilters(attachment: Attachment, options: AttachOptions): void {
  for (const hook of hooks) {
    try {
      clsactFilter(attachment.ifindex, hook, placeOf(attachment, options)).detach()
    } catch (error) {
      // Gone with its interface, or by hand.
      if (!(error instanceof EbpfError && ['ENOENT', 'ENODEV', 'EINVAL'].includes(error.code))) throw error
    }
  }
}

/** One that went with its interface counts as there, so that its pin is taken away when it is detached. */
function runsPinned(attachment: Attachment, path: string, options: AttachOptions): boolean {
  const program = openPinnedProgram(path)
  try {
    return queryClsact(attachment.ifindex, 'ingress', placeOf(attachment, options)) === program.id
  } catch (error) {
    return !(error instanceof EbpfError && error.code === 'ENODEV')
  } finally {
    program.close()
  }
}
