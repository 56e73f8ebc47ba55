import { natPortOverlaps } from '@weir/datapath/kernel/nat-ports.js'
import type { Backend } from '@weir/datapath/backend.js'
import { isTunnel } from '@weir/core/routing/node-ways.js'
import { tunnelPorts } from '../routing/overlay-device.js'
import type { AgentOptions } from './agent-options.js'

type BackendOptions = Pick<
  AgentOptions,
  | 'backend'
  | 'node'
  | 'bpffs'
  | 'pinName'
  | 'clock'
  | 'attach'
  | 'xdp'
  | 'lbMode'
  | 'dsrDispatch'
  | 'mapSizes'
  | 'flowEventsPerSecond'
  | 'natPorts'
  | 'routing'
>

/**
 * Opens the backend that the options ask for; `auto` takes memory where the kernel can't be had, and says why.
 *
 * @throws WeirError of the kernel backend when it is asked for by name.
 */
export async function openBackend(
  {
    backend,
    node,
    bpffs,
    pinName,
    clock,
    attach,
    xdp,
    lbMode,
    dsrDispatch,
    mapSizes: maxEntries = {},
    flowEventsPerSecond: eventsPerSecond,
    natPorts,
    routing = 'off',
  }: BackendOptions,
  report: (message: string) => void,
): Promise<Backend> {
  if (natPorts !== undefined) {
    const overlaps = natPortOverlaps(natPorts)
    if (overlaps.length > 0)
      report(`ports ${natPorts.first}-${natPorts.last} for translated flows overlap ${overlaps.join(' and ')}`)
  }
  if (backend !== 'memory')
    try {
      const { loadKernelBackend } = await import('@weir/datapath/kernel/create-lazily.js')
      return await loadKernelBackend({
        node: pinName ?? node,
        maxEntries,
        ...(bpffs !== undefined && { bpffs }),
        ...(attach !== undefined && { attach }),
        ...(xdp !== undefined && { xdp }),
        ...(lbMode !== undefined && { lbMode }),
        ...(isTunnel(routing) && { tunnels: { kind: routing, udpPort: tunnelPorts[routing] } }),
        ...(dsrDispatch !== undefined && { dsrDispatch }),
        ...(eventsPerSecond !== undefined && { eventsPerSecond }),
        ...(natPorts !== undefined && { natPorts }),
      })
    } catch (error) {
      if (backend === 'kernel') throw error
      report(
        `no kernel backend: ${error instanceof Error ? error.message : String(error)}; packets are judged in memory only`,
      )
    }
  const { createMemoryBackend } = await import('@weir/datapath/memory/backend.js')
  return createMemoryBackend({ maxEntries, now: () => BigInt(clock.nowMs()) * 1_000_000n })
}
