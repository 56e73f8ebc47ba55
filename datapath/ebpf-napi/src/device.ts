import type { NetnsOption } from './api.js'
import { native } from './native.js'

/** The name of a device's driver, as ethtool shows it: `veth`, `virtio_net`, …; undefined where it says none. */
export function deviceDriver(ifindex: number, options: NetnsOption = {}): string | undefined {
  return native.deviceDriver(ifindex, options.netns)
}
