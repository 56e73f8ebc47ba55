import { expect } from 'chai'
import { makeDevices } from './packets/devices.js'
import { fixtures } from './packets/fixtures/index.js'
import { kernelMachine } from './packets/kernel-machine.js'
import { typed } from './packets/machine.js'
import { memoryMachine } from './packets/memory-machine.js'
import { hex, play } from './packets/play.js'
import { whyNoKernel } from './packets/requires.js'
import { empty } from './packets/reset.js'
import { fill } from './packets/world.js'

const missing = whyNoKernel()
/** What a machine without the kernel's devices calls them. */
const numbers = { a: 11, b: 12, c: 13 }

describe('packets in memory', () => {
  const machine = typed(memoryMachine(), numbers)

  beforeEach(() => {
    empty(machine)
    fill(machine)
  })

  for (const fixture of fixtures) it(fixture.says, () => void play(machine, fixture))
})

describe(`packets in the kernel, byte for byte as in memory${missing === undefined ? '' : ` (${missing})`}`, () => {
  let close: (() => void) | undefined
  let kernel: ReturnType<typeof typed>
  let memory: ReturnType<typeof typed>

  before(function () {
    if (missing !== undefined) this.skip()
    const devices = makeDevices()
    close = devices.close
    const machine = kernelMachine()
    close = () => {
      machine.close()
      devices.close()
    }
    kernel = typed(machine, devices.ifindex)
    memory = typed(memoryMachine(), devices.ifindex)
  })
  after(() => close?.())

  beforeEach(() => {
    for (const machine of [kernel, memory]) {
      empty(machine)
      fill(machine)
    }
  })

  for (const fixture of fixtures.filter(({ isInMemoryOnly }) => !isInMemoryOnly)) {
    it(fixture.says, () => {
      const plain = (runs: ReturnType<typeof play>) =>
        runs.map(({ result, mark, packet }) => ({ result, mark, packet: hex(packet) }))
      expect(plain(play(kernel, fixture))).to.deep.equal(plain(play(memory, fixture)))
    })
  }
})
