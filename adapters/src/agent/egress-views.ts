import type { Engine, EgressTables } from '@weir/core'
import type { EgressView, StatusReport } from './protocol.js'

/** What egress gateway policies come to on this node, by pod and destination. */
export function egressViews({ state, tables }: Engine): readonly EgressView[] {
  const pods = new Map(
    [...state.pods.values()].flatMap(({ fact }) => fact.addresses.map(each => [each, fact] as const)),
  )
  return [...tables.egressRules]
    .map(([, row]): EgressView => {
      const { namespace = '', name = '' } = pods.get(row.source) ?? {}
      const { source, prefix: destination, action, policy, gateway } = row
      const causes = [state.egressGateways.get(policy)?.seq, state.nodes.get(gateway)?.seq]
      return {
        ...{ namespace, name, source, destination, action, policy, gateway },
        gatewayIp: row.gatewayAddress,
        egressIp: row.egressAddress,
        causes: causes.filter(seq => seq !== undefined).sort((a, b) => a - b),
      }
    })
    .sort((a, b) => compare(a.source, b.source) || compare(a.destination, b.destination))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** How traffic leaves, in figures. */
export function leavingView({ masquerade, nonMasquerade, egressRules }: EgressTables): StatusReport['leaving'] {
  const rules = { steer: 0, translate: 0, noGateway: 0, noAddress: 0, pass: 0 }
  for (const [, { action }] of egressRules) rules[action] += 1
  return { devices: [...masquerade].map(([, row]) => row), unmasked: nonMasquerade.size, rules }
}
