import { expect } from 'chai'
import fc from 'fast-check'
import { kernel, memory } from './machines.js'
import { arrivalOf, type Fixture, ifindexOf, type PacketStep, programOf } from './packets/fixture.js'
import { fixtures } from './packets/fixtures/index.js'
import { type Typed, typed } from './packets/machine.js'
import { memoryMachine } from './packets/memory-machine.js'
import { hex, play } from './packets/play.js'
import { empty } from './packets/reset.js'
import { fill } from './packets/world.js'

describe('packets in memory', () => {
  const machine = memory.open()

  beforeEach(() => {
    empty(machine)
    fill(machine)
  })

  for (const fixture of fixtures) it(fixture.says, () => void play(machine, fixture))
})

describe(`packets in the ${kernel.name}, byte for byte as in memory`, () => {
  let real: Typed
  let model: Typed
  const inKernel = fixtures.filter(({ isInMemoryOnly }) => !isInMemoryOnly)

  before(function () {
    if (kernel.isMissing) this.skip()
    real = kernel.open()
    model = typed(memoryMachine(), real.ifindex)
  })
  after(() => real?.close())

  const restart = (): void => {
    for (const machine of [real, model]) {
      empty(machine)
      fill(machine)
    }
  }
  beforeEach(restart)

  for (const fixture of inKernel) {
    it(fixture.says, () => {
      const plain = (runs: ReturnType<typeof play>) =>
        runs.map(({ result, mark, packet }) => ({ result, mark, packet: hex(packet) }))
      expect(plain(play(real, fixture))).to.deep.equal(plain(play(model, fixture)))
    })
  }

  it('spoiled packets fare the same in both', function () {
    this.timeout(20_000)
    const packets = inKernel.flatMap(({ steps }: Fixture) =>
      steps.filter((step): step is PacketStep => 'packet' in step),
    )
    const spoil = fc.record({
      step: fc.constantFrom(...packets),
      at: fc.nat(),
      value: fc.nat(255),
      cut: fc.option(fc.nat(), { freq: 4, nil: undefined }),
      isMarked: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(spoil, { minLength: 1, maxLength: 8 }), sequence => {
        restart()
        for (const { step, at, value, cut, isMarked } of sequence) {
          const packet = step.packet.slice(0, cut === undefined ? undefined : 54 + (cut % step.packet.length))
          packet[14 + (at % (packet.length - 14))] = value
          const [inKernel, inMemory] = [real, model].map(machine => {
            const {
              result,
              mark,
              packet: after,
            } = machine.run(
              programOf(step),
              packet,
              ifindexOf(machine, step),
              isMarked ? 0x05700000 : 0,
              arrivalOf(machine, step),
            )
            return { result, mark, packet: result === 2 ? '' : hex(after) }
          })
          expect(inKernel, hex(packet)).to.deep.equal(inMemory)
        }
      }),
      { numRuns: 200 },
    )
  })
})
