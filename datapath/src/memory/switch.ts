import { type Backend, packetActions } from '../backend.js'

/** A pod's interface at the switch. */
export interface SwitchPort {
  readonly ifindex: number
  /** Canonical text. */
  readonly addresses: readonly string[]
}

/** Where a packet ended up, and how it looked then. */
export type Delivery =
  | { readonly kind: 'endpoint'; readonly ifindex: number; readonly packet: Uint8Array }
  /** Out of the node, or to the node itself: what the stack would do with it. */
  | { readonly kind: 'host'; readonly packet: Uint8Array }
  /** Back to the sender: an answer that the program made, as for ARP. */
  | { readonly kind: 'answered'; readonly packet: Uint8Array }
  | { readonly kind: 'dropped'; readonly at: 'weir_from_endpoint' | 'weir_to_endpoint' }

/**
 * What veth pairs and the stack do between programs, for a backend without either: a packet of a pod goes through
 * from_endpoint, and through to_endpoint of its destination when the stack has to forward it to a pod.
 * @param portOf the local pod that has an address, by its text
 */
export class VirtualSwitch {
  readonly #backend: Backend
  readonly #portOf: (address: string) => SwitchPort | undefined

  constructor(backend: Backend, portOf: (address: string) => SwitchPort | undefined) {
    this.#backend = backend
    this.#portOf = portOf
  }

  /** A packet that a pod sends. */
  fromEndpoint(ifindex: number, packet: Uint8Array, destination: string): Delivery {
    const result = this.#backend.runProgram('weir_from_endpoint', packet, { ifindex })
    if (result.action === packetActions.drop) return { kind: 'dropped', at: 'weir_from_endpoint' }
    if (result.action === packetActions.redirect) {
      const target = result.redirect?.ifindex
      if (target === undefined || result.redirect?.toPeer !== true) return { kind: 'answered', packet: result.packet }
      return { kind: 'endpoint', ifindex: target, packet: result.packet }
    }
    return this.toAddress(result.packet, destination, result.mark)
  }

  /** A packet that the stack forwards: the node's own, or one that came in from outside. */
  toAddress(packet: Uint8Array, destination: string, mark = 0): Delivery {
    const port = this.#portOf(destination)
    if (port === undefined) return { kind: 'host', packet }
    const result = this.#backend.runProgram('weir_to_endpoint', packet, { ifindex: port.ifindex, mark })
    if (result.action === packetActions.drop) return { kind: 'dropped', at: 'weir_to_endpoint' }
    return { kind: 'endpoint', ifindex: port.ifindex, packet: result.packet }
  }
}
