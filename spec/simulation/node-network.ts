import type { Network } from '@weir/adapters/network/network.js'
import type { Device } from 'netns-napi'
import { nodeAddresses } from '../oracle/generate/addresses.js'
import type { Life } from './life.js'
import type { Random } from './random.js'

/** By which the outside is reached; no pod's. */
export const outerDevice = { ifindex: 60, ifname: 'eth0' } as const

/** What the node's devices have at a moment. */
export interface DevicesState {
  /** Of the one that the default route leads by. */
  readonly outer: readonly string[]
  /** Of another one, where it is there. */
  readonly other?: readonly string[]
}

export const firstDevices: DevicesState = { outer: nodeAddresses('here') }

const loopback: Device = {
  ...{ name: 'lo', ifindex: 1, loopback: true, addresses: ['127.0.0.1', '::1'], defaultRoute: false, mtu: 65_536 },
}

/** The node's devices. Whoever watches them is told of changes late, and now and then of none. */
export class NodeNetwork {
  readonly #random: Random
  readonly #onGone: (ifindex: number) => void
  readonly #watchers = new Set<{ readonly life: Life; readonly onChange: () => void }>()
  #state = firstDevices
  /** Of the other device, which is another one each time that it comes. */
  #otherIndex = outerDevice.ifindex

  /** @param onGone Told of a device that is no more: its programs went with it. */
  constructor(random: Random, onGone: (ifindex: number) => void) {
    this.#random = random
    this.#onGone = onGone
  }

  get devices(): readonly Device[] {
    const { outer, other } = this.#state
    const own = { loopback: false, defaultRoute: false, mtu: 1500 }
    return [
      loopback,
      { ...own, name: outerDevice.ifname, ifindex: outerDevice.ifindex, addresses: outer, defaultRoute: true },
      ...(other === undefined ? [] : [{ ...own, name: 'eth1', ifindex: this.#otherIndex, addresses: other }]),
    ]
  }

  has(ifindex: number): boolean {
    return this.devices.some(device => device.ifindex === ifindex)
  }

  change(state: DevicesState): void {
    const had = this.#state.other !== undefined
    if (had && state.other === undefined) this.#onGone(this.#otherIndex)
    if (!had && state.other !== undefined) this.#otherIndex += 1
    this.#state = state
    this.#tell()
  }

  /** As a process has it. */
  network(life: Life): Network {
    return {
      devicesIn: () => this.devices,
      watchDevicesIn: (_netns, onChange) => {
        const watcher = { life, onChange }
        this.#watchers.add(watcher)
        return { close: () => void this.#watchers.delete(watcher) }
      },
    }
  }

  #tell(): void {
    for (const watcher of this.#watchers) {
      const tell = (): void => {
        if (this.#watchers.has(watcher)) watcher.onChange()
      }
      watcher.life.after(this.#random.chance(0.7) ? this.#random.below(3) : this.#random.below(60), tell)
      if (this.#random.chance(0.2)) watcher.life.after(this.#random.below(100), tell)
    }
  }
}
