import { readdirSync, rmdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type BpfLink, EbpfError, openPinnedLink } from 'ebpf-napi'
import type { AttachOptions } from '../backend.js'
import { detachFilters } from './attach.js'
import { PinDirectory } from './pins.js'

/** What the agent of a node left in the kernel, and what a later one would take over. */
export interface KernelTraces {
  readonly node: string
  /** Directory of its pins. */
  readonly path: string
  readonly maps: number
  /** Programs at interfaces, by their names. */
  readonly interfaces: readonly string[]
  /** Programs at a cgroup's calls. */
  readonly sockets: number
  /** Detaches the programs and takes the pins away: packets pass unjudged, and services are reached no more. */
  remove(options?: AttachOptions): void
}

/** Traces of every node on this kernel. No program is loaded for it. */
export function kernelTraces(bpffs: string): readonly KernelTraces[] {
  return PinDirectory.all(bpffs).map(({ node, pins }) => ({
    node,
    path: pins.path,
    maps: pins.allMapPins().length,
    interfaces: [...new Set(pins.linkPins().map(({ attachment }) => attachment.ifname))],
    sockets: pins.socketPins().length,
    remove: (options = {}) => {
      removePins(pins, options)
      const parent = dirname(pins.path)
      if (readdirSync(parent).length === 0) rmdirSync(parent)
    },
  }))
}

/** Detaches whatever is pinned, then takes the pins away. */
export function removePins(pins: PinDirectory, options: AttachOptions): void {
  for (const path of pins.socketPins()) detachLink(path)
  for (const { attachment, kind, path } of pins.linkPins()) {
    if (kind === 'clsact') detachFilters(attachment, options)
    else detachLink(path)
  }
  pins.removeAll()
}

function detachLink(path: string): void {
  let link: BpfLink | undefined
  try {
    link = openPinnedLink(path)
    link.detach()
  } catch (error) {
    // It went with its interface or cgroup; or it is no link, but something that others pinned here.
    if (!(error instanceof EbpfError && ['ENOLINK', 'ERR_EBPF_KIND'].includes(error.code))) throw error
  } finally {
    link?.close()
  }
}
