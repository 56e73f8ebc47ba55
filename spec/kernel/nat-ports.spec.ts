import { expect } from 'chai'
import { flags, frame, tcp } from './packets/frames.js'
import { masquerading } from './packets/leaving-world.js'
import { type Typed, typed } from './packets/machine.js'
import { memoryMachine } from './packets/memory-machine.js'
import { a, b, fill, node, outside, partner } from './packets/world.js'
import { outward } from './packets/fixtures/host-world.js'
import { families, of } from './packets/fixture.js'

const ports = { weir_nat_first_port: 2000, weir_nat_last_port: 2003 }
const shot = 2
const next = -1
const exhausted = 167

describe('ports for flows whose own is taken', () => {
  for (const family of families) {
    it(`IPv${family}: when none is left the flow is refused with a reason of its own and counted; others go on`, () => {
      const machine = typed(memoryMachine(ports), { a: 11, b: 12, c: 13, n: 10 })
      fill(machine)
      masquerading().change(machine)
      const sent = (machine: Typed, who: typeof a, port: number, whom: { four: string; six: string } = outside) =>
        machine.run(
          'weir_to_device',
          frame(outward, { from: of(who, family), to: of(whom, family) }, tcp(port, 80, flags.syn)),
          machine.ifindex.n,
          0x05700000,
        )
      const refused = () => Number(machine.perCpu('weir_counters', Uint8Array.of(exhausted, 0, 0, 0))[0])
      const as = (port: number) =>
        Buffer.from(frame(outward, { from: of(node, family), to: of(outside, family) }, tcp(port, 80, flags.syn)))
      const given: number[] = []
      // a has ports 3000 to 3004 towards the server; b wants the same.
      for (let port = 3000; port <= 3004; port++)
        expect(Buffer.from(sent(machine, a, port).packet)).deep.equal(as(port))
      for (let port = 3000; port <= 3003; port++) {
        const run = sent(machine, b, port)
        expect(run.result).equal(next)
        given.push(run.packet[family === 4 ? 34 : 54]! * 256 + run.packet[family === 4 ? 35 : 55]!)
      }
      expect(given.sort()).deep.equal([2000, 2001, 2002, 2003])
      expect(refused()).equal(0)
      expect(sent(machine, b, 3004).result).equal(shot)
      expect(refused()).equal(1)
      // Towards somebody else the ports are free, and the flows that are there go on.
      expect(sent(machine, b, 3004, partner).result).equal(next)
      expect(Buffer.from(sent(machine, a, 3004).packet)).deep.equal(as(3004))
      expect(sent(machine, b, 3000).result).equal(next)
      // After their time the ports are for others.
      machine.advance(61)
      expect(sent(machine, b, 3004).result).equal(next)
    })
  }
})
