import { WeirError } from '@weir/core'
import type { BackendChoice } from '../agent/agent-options.js'
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
  const obstacle = (await kernelObstacle()) ?? (await namespacesObstacle())
  if (obstacle === undefined) return { kind: 'kernel' }
  if (choice === 'kernel') throw obstacle
  return { kind: 'memory', reason: `no kernel backend: ${obstacle.message}; the same programs run in memory instead` }
}

async function namespacesObstacle(): Promise<Error | undefined> {
  if (!(await canMakeNamespaces())) {
    const detail = 'root, iproute2 and util-linux are needed'
    const payload = { command: 'unshare --net true', detail }
    return new WeirError('WEIR_NETWORK_COMMAND', `network namespaces can't be made here: ${detail}`, payload)
  }
  // Sockets inside namespaces are native code of their own.
  return await import('netns-napi').then(
    () => undefined,
    (error: Error) => error,
  )
}
