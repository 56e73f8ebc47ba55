import { makeDevices } from './packets/devices.js'
import { kernelMachine } from './packets/kernel-machine.js'
import { type Typed, typed } from './packets/machine.js'
import { memoryMachine } from './packets/memory-machine.js'
import { whyNoKernel } from './packets/requires.js'

/** What a machine without the kernel's devices calls them. */
const numbers = { a: 11, b: 12, c: 13, n: 14 }

export interface MachineKind {
  /** For titles; names why it can't run here. */
  readonly name: string
  readonly isMissing: boolean
  open(options?: {
    readonly variables?: Readonly<Record<string, number>>
    readonly maxEntries?: Readonly<Record<string, number>>
  }): Typed
}

const missing = whyNoKernel()

export const memory: MachineKind = {
  name: 'memory',
  isMissing: false,
  open: ({ variables = {}, maxEntries = {} } = {}) => typed(memoryMachine(variables, maxEntries), numbers),
}

export const kernel: MachineKind = {
  name: `kernel${missing === undefined ? '' : ` (${missing})`}`,
  isMissing: missing !== undefined,
  open(options = {}) {
    const devices = makeDevices()
    try {
      const machine = kernelMachine(options)
      const close = (): void => {
        machine.close()
        devices.close()
      }
      return typed({ ...machine, close }, devices.ifindex)
    } catch (cause) {
      devices.close()
      throw cause
    }
  },
}

export const machines = [memory, kernel] as const
