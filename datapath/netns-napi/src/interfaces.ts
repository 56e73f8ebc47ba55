import { type Interface, type Netns, native } from './native.js'

/** The devices of a namespace, by ascending ifindex as the kernel lists them. */
export function interfacesIn(netns: Netns): readonly Interface[] {
  return native.interfaces(netns)
}

/** A device's number in a namespace; ENODEV when there is none of that name. */
export function ifindexIn(netns: Netns, name: string): number {
  return native.ifindex(netns, name)
}
