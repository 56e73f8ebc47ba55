import { expect } from 'chai'
import { kernel, memory } from './machines.js'
import { families, type Family, of, reasons } from './packets/fixture.js'
import { address, bytes, flags, frame, mac, tcp } from './packets/frames.js'
import type { Run, Tunnel, Typed } from './packets/machine.js'
import { hex } from './packets/play.js'
import { empty } from './packets/reset.js'
import { a, b, fill, node, outside } from './packets/world.js'

const overlay = mac('02:57:65:69:72:00')
const untagged = mac('06:00:00:00:00:00')
const tagged = mac('06:01:02:03:04:05')
const tag = Uint8Array.of(1, 2, 3, 4, 5)
const vni = 0x123456
const ok = 0
const next = -1
const shot = 2
const noTunnel = 160
const unknownIdentity = 171
const unknownSender = 172
const noTunnelKey = 147

/** Two other nodes, with a pod each that no table knows by its address. */
const far = { four: '192.0.2.50', six: '2001:db8:50::50', pod: { four: '10.9.1.1', six: 'fd09:1::1' } } as const
const other = { four: '192.0.2.60', six: '2001:db8:60::60', pod: { four: '10.9.2.1', six: 'fd09:2::1' } } as const

const wide = (bits: Uint8Array): Uint8Array => bytes(...bits, ...new Uint8Array(16 - bits.length))
const tunnel = (who: typeof far | typeof other, family: Family, number = vni): Tunnel => ({
  family,
  number,
  address: address(of(who, family)),
})

/** The two nodes, reached over the family given, and identity of `a` as it is called between nodes. */
function know(machine: Typed, outer: Family): void {
  for (const who of [far, other]) {
    const reached = { family: outer, address: wide(address(of(who, outer))) }
    for (const family of families) {
      const bits = family === 4 ? 32 : 128
      const row = (length: number, text: string, isNode: number): void =>
        machine.put(`weir_tunnels${family}`, { length, address: address(text) }, { ...reached, is_node: isNode })
      row(bits, of(who, family), 1)
      row(family === 4 ? 24 : 64, of(who.pod, family), 0)
    }
  }
  machine.put('weir_marks', a.identity, { vni, tag })
  machine.put('weir_fellows', { vni, tag }, { ipv4: address(a.four), ipv6: address(a.six) })
}

const dropsOf = (machine: Typed, reason: number): bigint => {
  const counts = machine.perCpu('weir_counters', Uint8Array.of(reason, 0, 0, 0))
  return [...counts].reduce((sum, count) => sum + count, 0n)
}

for (const kind of [memory, kernel])
  describe(`packets for other nodes, in ${kind.name}`, () => {
    let machine: Typed

    before(function () {
      if (kind.isMissing) return this.skip()
      machine = kind.open()
    })
    after(() => machine?.close())
    beforeEach(() => {
      empty(machine)
      fill(machine)
    })

    for (const family of families)
      for (const outer of families)
        it(`IPv${family} in IPv${outer}: bear their sender’s identity, and lead to the node of their receiver`, () => {
          know(machine, outer)
          const segment = tcp(40_000, 80, flags.syn)
          const packet = (from: string, source: Uint8Array): Uint8Array =>
            frame({ from: source, to: overlay }, { from, to: of(far.pod, family) }, segment)
          const run = (from: string): Run => machine.run('weir_to_overlay', packet(from, overlay), machine.ifindex.n, 0)
          const pods = run(of(a, family))
          expect(pods.result).to.equal(ok)
          expect(hex(pods.packet)).to.equal(hex(packet(of(a, family), tagged)))
          const nodes = run(of(node, family))
          expect(hex(nodes.packet)).to.equal(hex(packet(of(node, family), untagged)))
          const strangers = run(of(outside, family))
          expect(hex(strangers.packet)).to.equal(hex(packet(of(outside, family), untagged)))
          if (kind !== memory) return
          const to = { family: outer, address: address(of(far, outer)) }
          expect(pods.tunnel).to.deep.equal({ ...to, number: vni })
          expect(nodes.tunnel).to.deep.equal({ ...to, number: 6 })
          expect(strangers.tunnel).to.deep.equal({ ...to, number: 2 })
        })

    for (const family of families)
      it(`IPv${family}: for an address of no node go nowhere, and neither do words to neighbours`, () => {
        know(machine, 4)
        const packet = frame(
          { from: overlay, to: overlay },
          { from: of(a, family), to: of(outside, family) },
          tcp(1, 2, 2),
        )
        const before = dropsOf(machine, noTunnel)
        expect(machine.run('weir_to_overlay', packet, machine.ifindex.n, 0).result).to.equal(shot)
        expect(Number(dropsOf(machine, noTunnel) - before)).to.be.greaterThan(0)
      })

    it('are believed by nobody who didn’t get them out of a tunnel', () => {
      know(machine, 4)
      const packet = frame(
        { from: tagged, to: overlay },
        { from: far.pod.four, to: b.four },
        tcp(40_000, 80, flags.syn),
      )
      const before = dropsOf(machine, noTunnelKey)
      expect(machine.run('weir_from_overlay', packet, machine.ifindex.n, 0).result).to.equal(shot)
      expect(Number(dropsOf(machine, noTunnelKey) - before)).to.be.greaterThan(0)
    })
  })

describe('packets from other nodes, in memory', () => {
  const machine = memory.open()

  for (const family of families)
    for (const outer of families) {
      const inside = `IPv${family} in IPv${outer}`
      const packet = (from: string, to: string, source = tagged, port = 80): Uint8Array =>
        frame({ from: source, to: overlay }, { from, to }, tcp(40_000, port, flags.syn))
      const run = (frameOf: Uint8Array, within: Tunnel): Run =>
        machine.run('weir_from_overlay', frameOf, machine.ifindex.n, 0, {
          ingressIfindex: machine.ifindex.n,
          tunnel: within,
        })
      const drops = (frameOf: Uint8Array, within: Tunnel, reason: number): void => {
        const before = dropsOf(machine, reason)
        expect(run(frameOf, within).result).to.equal(shot)
        expect(Number(dropsOf(machine, reason) - before)).to.be.greaterThan(0)
      }
      const reset = (): void => {
        empty(machine)
        fill(machine)
        know(machine, outer)
      }

      it(`${inside}: a pod that no table knows is judged by its identity, once and for its flow`, () => {
        reset()
        const given = packet(of(far.pod, family), of(b, family))
        const taken = run(given, tunnel(far, outer))
        expect(taken.result).to.equal(next)
        expect(hex(taken.packet)).to.equal(hex(given))
        const delivered = machine.run('weir_to_endpoint', given, machine.ifindex.b, 0, {
          ingressIfindex: machine.ifindex.n,
        })
        expect(delivered.result, 'where the stack delivers').to.equal(ok)
        drops(packet(of(far.pod, family), of(b, family), tagged, 81), tunnel(far, outer), reasons.denied)
      })

      it(`${inside}: without the entry the stack’s way knows it for nobody`, () => {
        reset()
        const given = packet(of(far.pod, family), of(b, family))
        expect(
          machine.run('weir_to_endpoint', given, machine.ifindex.b, 0, { ingressIfindex: machine.ifindex.n }).result,
        ).to.equal(shot)
      })

      it(`${inside}: an identity that nobody here has is refused, whatever part of it differs`, () => {
        reset()
        const to = of(b, family)
        drops(packet(of(far.pod, family), to), tunnel(far, outer, vni + 1), unknownIdentity)
        drops(packet(of(far.pod, family), to, mac('06:01:02:03:04:06')), tunnel(far, outer), unknownIdentity)
        drops(packet(of(far.pod, family), to, untagged), tunnel(far, outer, 2), unknownIdentity)
      })

      it(`${inside}: nobody but a node is believed, nor a node for another one’s pods, nor for ours`, () => {
        reset()
        const to = of(b, family)
        const stranger = { family: outer, number: vni, address: address(of(outside, outer)) }
        drops(packet(of(far.pod, family), to), stranger, unknownSender)
        const pod = { family: outer, number: vni, address: address(of(far.pod, outer)) }
        drops(packet(of(far.pod, family), to), pod, unknownSender)
        drops(packet(of(other.pod, family), to), tunnel(far, outer), reasons.source)
        drops(packet(of(a, family), to), tunnel(far, outer), reasons.source)
        drops(packet(of(node, family), to), tunnel(far, outer), reasons.source)
      })

      it(`${inside}: who is outside may be passed on by a node, and is judged as that`, () => {
        reset()
        const given = packet(of(outside, family), of(a, family), untagged)
        expect(run(given, tunnel(far, outer, 2)).result).to.equal(next)
      })
    }
})
