import type { BackendChoice } from '../agent/agent.js'
import { kernelObstacle } from '../agent/datapath.js'
import { canMakeNamespaces } from '../network/node-network.js'

/**
 * Which backend a demo runs on.
 *
 * @returns the kind, and in one line what is missing when `auto` had to take memory.
 * @throws WeirError when the kernel is asked for and can't be had.
 */
export async function chooseBackend(
  choice: BackendChoice,
): Promise<{ readonly kind: 'kernel' | 'memory'; readonly reason?: string }> {
  if (choice === 'memory') return { kind: 'memory' }
  const obstacle =
    (await kernelObstacle()) ??
    ((await canMakeNamespaces())
      ? undefined
      : 'network namespaces can’t be made here (needs root, iproute2, util-linux)')
  if (obstacle === undefined) return { kind: 'kernel' }
  if (choice === 'kernel') throw new Error(`the kernel backend can't be used: ${obstacle}`)
  return { kind: 'memory', reason: `no kernel backend: ${obstacle}; the same programs run in memory instead` }
}
