import type { EgressRow, MasqueradeRow, NonMasqueradeRow } from '../tables/egress-rows.js'
import { hash, type Sum } from './sum.js'

export const egressMeaning = (row: EgressRow): Sum =>
  hash('egress', row.source, row.prefix, row.action, row.policy, row.gateway, row.gatewayAddress, row.egressAddress)

export const nonMasqueradeMeaning = ({ prefix }: NonMasqueradeRow): Sum => hash('not masqueraded', prefix)

/** The number of a device is this node's own affair. */
export const masqueradeMeaning = ({ ifname, ipv4, ipv6 }: MasqueradeRow): Sum =>
  hash('masqueraded', ifname, ipv4 ?? 'no ipv4', ipv6 ?? 'no ipv6')
