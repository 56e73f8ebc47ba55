import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Backend } from '@weir/datapath/backend.js'
import { CheckpointFile, folderStorage, type LogStorage, publicPem, readCheckpoints, signingKey } from '@weir/store'
import type { AgentOptions } from './agent-options.js'
import type { Checkpoints } from './checkpointer.js'
import type { Api } from '../kubernetes/api.js'
import type { ManifestMachine } from '../manifests/watch.js'
import type { Network } from '../network/network.js'
import { kernelRtnetlink, type Rtnetlink } from '../routing/netns.js'
import { makeFolder } from './folder.js'
import { openBackend } from './open-backend.js'
import { networkProbe, type Probe } from './probe.js'

/** What an agent has of the machine that it runs on, besides the clock: this one, or one of a simulation. */
export interface Machine {
  /** Where the log lives, made when missing. */
  logStorage(options: AgentOptions): Promise<LogStorage>
  /** @throws WeirError WEIR_CHECKPOINT_KEY */
  openCheckpoints(options: AgentOptions, log: { readonly location: string }): Promise<Checkpoints>
  /** @throws WeirError when the machine lacks what the options ask for */
  openBackend(options: AgentOptions, report: (message: string) => void): Promise<Backend>
  /** From 0 up to 1. */
  random(): number
  readonly probe: Probe
  /** What the node's devices are found by; undefined where programs of such a backend are at none. */
  network(backend: Backend['kind']): (() => Promise<Network>) | undefined
  /** What routes to other nodes are made by; undefined where programs of such a backend are met on none. */
  rtnetlink(backend: Backend['kind']): Rtnetlink | undefined
  /** What manifests are followed by; Node's own means when absent. */
  readonly manifests?: ManifestMachine
  /**
   * Finds the API server, and what it takes to be let in; by HTTP when absent.
   *
   * @throws WeirError WEIR_KUBERNETES_CONFIG
   */
  readonly connectKubernetes?: () => Promise<Api>
}

/** The public half of the key that an agent makes in its state folder. */
export const publicKeyFileIn = (stateFolder: string): string => join(stateFolder, 'checkpoint-key.pub')

export const thisMachine: Machine = {
  async logStorage({ stateFolder, clock }) {
    const path = join(stateFolder, 'log')
    await makeFolder(path, 0o700)
    const holder = { pid: process.pid, command: process.argv.slice(1, 3).join(' '), since: clock.nowMs() }
    return folderStorage({ path, holder })
  },
  async openCheckpoints({ stateFolder, checkpointKey }, { location }) {
    const key = await signingKey(checkpointKey ?? join(stateFolder, 'checkpoint-key.pem'), checkpointKey === undefined)
    await writeFile(publicKeyFileIn(stateFolder), publicPem(key.name), { mode: 0o644 })
    const file = await CheckpointFile.open(location)
    return {
      key,
      get last() {
        return file.last
      },
      all: async () => (await readCheckpoints(location)).checkpoints,
      add: checkpoint => file.add(checkpoint),
    }
  },
  openBackend,
  random: Math.random,
  probe: networkProbe,
  network: backend => (backend === 'kernel' ? () => import('netns-napi') : undefined),
  rtnetlink: backend => (backend === 'kernel' ? kernelRtnetlink : undefined),
}
