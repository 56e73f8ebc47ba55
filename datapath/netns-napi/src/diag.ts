import { type Netns, native } from './native.js'

const protocols = { tcp: 6, udp: 17 } as const

/**
 * Ends sockets of a namespace, as `ss -K` does: a process that waits at one gets ECONNABORTED, and a TCP peer a reset.
 * Sockets are named by their cookies (SO_COOKIE, `bpf_get_socket_cookie`), which the kernel gives to no other; those that
 * are gone, or were in TIME_WAIT or LISTEN, are left. Needs CAP_NET_ADMIN in the namespace.
 *
 * @returns how many were ended
 * @throws NetnsError EOPNOTSUPP where the kernel has no CONFIG_INET_DIAG_DESTROY
 */
export function destroySocketsIn(netns: Netns, protocol: keyof typeof protocols, cookies: Iterable<bigint>): number {
  return native.destroySockets(netns, protocols[protocol], BigUint64Array.from(cookies))
}

/**
 * The number by which BPF programs know a namespace (`bpf_get_netns_cookie`).
 *
 * @throws NetnsError ENOPROTOOPT before Linux 5.14
 */
export function netnsCookie(netns: Netns): bigint {
  return native.netnsCookie(netns)
}
