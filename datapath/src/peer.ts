/** What an address or prefix row holds: `struct weir_peer`. */
export interface Peer {
  readonly identity: number
  readonly peerClass: number
  /** 0: no local endpoint. */
  readonly subject: number
  /** Slot in the endpoints map; 0: no local endpoint. */
  readonly slot: number
}

export const samePeer = (a: Peer | undefined, b: Peer | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.identity === b.identity &&
    a.peerClass === b.peerClass &&
    a.subject === b.subject &&
    a.slot === b.slot)

/** What the endpoints map knows of a pod's interface, its generation apart. MACs are text. */
export interface Wiring {
  /** Host side of the veth; 0: not attached. */
  readonly ifindex: number
  readonly podMac: string
  readonly hostMac: string
  readonly identity: number
}

export const unwired: Wiring = { ifindex: 0, podMac: '00:00:00:00:00:00', hostMac: '00:00:00:00:00:00', identity: 0 }

/** Whether packets go to the same pod's end; whatever its labels are. */
export const sameInterface = (a: Wiring, b: Wiring): boolean =>
  a.ifindex === b.ifindex && a.podMac === b.podMac && a.hostMac === b.hostMac

export const sameWiring = (a: Wiring, b: Wiring): boolean => sameInterface(a, b) && a.identity === b.identity

/** `WEIR_FIRST_ENDPOINT_SLOT`: slots below are shared by the peers that are no local endpoint. */
export const firstEndpointSlot = 256

/** The map's slot of an endpoint's number (1 and up); 0 stays 0. */
export const slotOf = (endpoint: number): number => (endpoint === 0 ? 0 : firstEndpointSlot - 1 + endpoint)

/** The number of a local endpoint's slot. */
export const endpointOf = (slot: number): number => slot - firstEndpointSlot + 1
