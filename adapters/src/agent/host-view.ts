import type { Engine } from '@weir/core'
import { defaultFailSafePorts } from '@weir/core/policy/builtin.js'
import type { Attachment, XdpState } from '@weir/datapath/backend.js'
import type { NodeDevice } from '../network/node-devices.js'
import { ownAddresses } from './places.js'
import type { StatusReport } from './protocol.js'

/** What holds for the node itself, and where. */
export function hostView(
  { state, tables }: Engine,
  devices: readonly NodeDevice[],
  attachments: readonly Attachment[],
  xdpAt: (device: Attachment) => XdpState,
  problem: string | undefined,
): StatusReport['host'] {
  const attached = new Set(attachments.flatMap(each => (each.role === 'device' ? [each.ifindex] : [])))
  return {
    isJudged: ownAddresses(state).some(address => tables.addresses.get(address)?.subject),
    failSafePorts: state.agent?.fact.failSafePorts ?? defaultFailSafePorts,
    devices: devices.map(device => {
      const { ifindex, ifname, why, addresses } = device
      const xdp = xdpText(xdpAt({ ifindex, ifname, role: 'device' }))
      return { ifindex, ifname, why, isAttached: attached.has(ifindex), xdp, addresses }
    }),
    ...(problem !== undefined && { problem }),
  }
}

const xdpText = ({ mode, reason }: XdpState): string => (reason === undefined ? mode : `${mode}: ${reason}`)
