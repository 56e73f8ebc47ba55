/** Identity numbers with a fixed meaning, as other tools of the kind read them. */
export const reservedIdentities = {
  unknown: 0,
  host: 1,
  world: 2,
  unmanaged: 3,
  health: 4,
  init: 5,
  'remote-node': 6,
  'kube-apiserver': 7,
  ingress: 8,
  'world-ipv4': 9,
  'world-ipv6': 10,
} as const

export type ReservedIdentity = keyof typeof reservedIdentities

/** Numbers of pods' label sets within one cluster, both ends included. */
export const clusterIdentityRange = { first: 256, last: 65535 } as const

/** Numbers of prefixes that policies name; they mean something on this node only. */
export const cidrIdentityRange = { first: 1 << 24, last: (1 << 24) + 65535 } as const

/** The label that stands for a reserved identity: `reserved:host`. */
export const reservedLabel = (name: ReservedIdentity): string => `reserved:${name}`
