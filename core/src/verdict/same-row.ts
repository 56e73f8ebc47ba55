import type { AddressRow, EndpointRow, PrefixRow } from '../tables/tables.js'

export const sameAddress = (a: AddressRow, b: AddressRow): boolean =>
  a.identity === b.identity && a.peerClass === b.peerClass && a.subject === b.subject && a.endpoint === b.endpoint

export const samePrefix = (a: PrefixRow, b: PrefixRow): boolean =>
  a.identity === b.identity && a.peerClass === b.peerClass

export const sameEndpoint = (a: EndpointRow, b: EndpointRow): boolean =>
  a.namespace === b.namespace &&
  a.pod === b.pod &&
  a.identity === b.identity &&
  a.subject === b.subject &&
  a.addresses.join() === b.addresses.join() &&
  a.wiring?.ifindex === b.wiring?.ifindex &&
  a.wiring?.ifname === b.wiring?.ifname &&
  a.wiring?.hostMac === b.wiring?.hostMac &&
  a.wiring?.podMac === b.wiring?.podMac
