/** What a container was given when a runtime asked for its interface: the addresses, and whose they are. */
export interface AttachmentFact {
  /** Name of the network that the runtime attached it to. */
  readonly network: string
  /** As the runtime names it. */
  readonly container: string
  /** The interface's name within the container. */
  readonly ifname: string
  /** File of the container's network namespace. */
  readonly netns: string
  /** The pod that the container is the sandbox of. */
  readonly namespace: string
  readonly pod: string
  /** Name of the interface's other side, on this node. */
  readonly device: string
  /** Canonical text, IPv4 before IPv6, at least one. */
  readonly addresses: readonly string[]
}
