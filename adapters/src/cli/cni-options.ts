import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { CniOptions } from '../cni/plugin.js'
import { type CommandContext, wholeNumber } from './command.js'
import { duration } from './quantities.js'

/** How an agent is told to plug pods in. */
export interface CniFlags {
  readonly cni?: true
  readonly cniBinDir?: string
  readonly cniConfDir?: string
  readonly podMtu?: number
  readonly addressCooldown: number
  readonly podWait: number
}

export const addCniOptions = (command: Command): Command =>
  command
    .option(
      '--cni',
      'plug pods in for a container runtime, and give them addresses of --pod-cidr or the Node’s podCIDRs',
    )
    .option('--cni-bin-dir <folder>', 'with --cni: install the plugin there once all is ready')
    .option('--cni-conf-dir <folder>', 'with --cni-bin-dir: install there the list that makes runtimes use it')
    .option(
      '--pod-mtu <bytes>',
      'largest packet of pods’ interfaces (default: what fits on the ways out of the node)',
      wholeNumber(1280),
    )
    .option(
      '--address-cooldown <time>',
      'how long an address that a pod had is given to no other',
      duration,
      duration('1m'),
    )
    .option('--pod-wait <time>', 'how long a pod’s interface waits for its object', duration, duration('2s'))

/** For the agent; nothing where nobody asked for it. */
export function cniOptionsOf(flags: CniFlags): { readonly cni?: CniOptions } {
  if (flags.cni !== true) return {}
  const { podMtu, addressCooldown, podWait } = flags
  return {
    cni: {
      cooldownMs: addressCooldown,
      podWaitMs: podWait,
      ...(podMtu !== undefined && { mtuBytes: podMtu }),
    },
  }
}

/** Where to install; undefined where not to. */
export function cniFoldersOf(
  { cni, cniBinDir, cniConfDir }: CniFlags,
  { workingFolder }: CommandContext,
): { readonly binaries: string; readonly lists: string } | undefined {
  if (cni !== true || cniBinDir === undefined || cniConfDir === undefined) return undefined
  return { binaries: resolve(workingFolder, cniBinDir), lists: resolve(workingFolder, cniConfDir) }
}
