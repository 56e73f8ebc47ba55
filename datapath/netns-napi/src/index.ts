export type { ConnectOptions } from './connect.js'
export { destroySocketsIn, netnsCookie } from './diag.js'
export { NetnsError } from './error.js'
export { ifindexIn, interfacesIn } from './interfaces.js'
export type { Device, Interface, Netns, PeerCredentials } from './native.js'
export { devicesIn, type NetworkWatch, watchDevicesIn } from './network.js'
export { peerCredentials } from './peer.js'
export { type PingOptions, pingIn } from './ping.js'
export type { LinkChange, Overlay, VethPair } from './links.js'
export {
  type Neighbour,
  type Route,
  type RouteEnd,
  rtnetlinkIn,
  type RtRequest,
  type Rule,
  tryRtnetlinkIn,
} from './rtnetlink.js'
export { type Hop, hopsIn, type RouteEntry, routesIn, type RuleEntry, rulesIn } from './routes.js'
export { closeSocket, openSocketIn, type SocketOptions } from './socket.js'
export { listenStreamIn, reachStreamIn, type StreamListener, type StreamListenerOptions, sctp } from './stream.js'
export { readSysctlIn, writeSysctlIn } from './sysctl.js'
export { connectTcpIn, type ListenTcpOptions, listenTcpIn } from './tcp.js'
export { type UdpOptions, udpSocketIn } from './udp.js'
