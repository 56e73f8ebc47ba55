import { expect } from 'chai'
import { kernel, memory } from './machines.js'
import { families, of, reasons } from './packets/fixture.js'
import { address, flags, frame, mac, tcp, udp } from './packets/frames.js'
import type { Run, Tunnel, Typed } from './packets/machine.js'
import { hex } from './packets/play.js'
import { empty } from './packets/reset.js'
import { dropsOf, far, know, optionOf, other, tag, tunnel, vni } from './packets/tunnel-world.js'
import { a, b, fill, node, outside, putAddress } from './packets/world.js'

const overlay = mac('02:57:65:69:72:00')
const untagged = mac('06:00:00:00:00:00')
const tagged = mac('06:01:02:03:04:05')
const ok = 0
const next = -1
const shot = 2
const noTunnel = 160
const unknownIdentity = 171
const unknownSender = 172
const noTunnelKey = 147
const badOption = 149

/** How each kind of tunnel carries the tag: VXLAN as part of the inner frame's source, Geneve in an option. */
const kinds = [
  { tunnels: 'VXLAN', variables: { weir_tunnel_port: 8472, weir_geneve: 0 }, tagging: tagged },
  { tunnels: 'Geneve', variables: { weir_tunnel_port: 6081, weir_geneve: 1 }, tagging: untagged },
] as const
const noTag = new Uint8Array(5)

for (const kind of [memory, kernel])
  for (const { tunnels, variables, tagging } of kinds)
    describe(`packets for other nodes by ${tunnels}, in ${kind.name}`, () => {
      let machine: Typed

      before(function () {
        if (kind.isMissing) return this.skip()
        machine = kind.open({ variables })
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
            const own = { four: address(node.four), six: address(node.six), takes_frames: 0 }
            machine.put('weir_own', machine.ifindex.n, own)
            const segment = tcp(40_000, 80, flags.syn)
            const packet = (from: string, source: Uint8Array): Uint8Array =>
              frame({ from: source, to: overlay }, { from, to: of(far.pod, family) }, segment)
            const run = (from: string): Run =>
              machine.run('weir_to_overlay', packet(from, overlay), machine.ifindex.n, 0)
            const pods = run(of(a, family))
            expect(pods.result).to.equal(ok)
            expect(hex(pods.packet)).to.equal(hex(packet(of(a, family), tagging)))
            const nodes = run(of(node, family))
            expect(hex(nodes.packet)).to.equal(hex(packet(of(node, family), untagged)))
            const strangers = run(of(outside, family))
            expect(hex(strangers.packet)).to.equal(hex(packet(of(outside, family), untagged)))
            if (kind !== memory) return
            const to = (number: number, bits: Uint8Array): object => ({
              ...{ family: outer, address: address(of(far, outer)), number, source: address(of(node, outer)) },
              ...(variables.weir_geneve === 1 && { option: optionOf(bits) }),
            })
            expect(pods.tunnel).to.deep.equal(to(vni, tag))
            expect(nodes.tunnel).to.deep.equal(to(6, noTag))
            expect(strangers.tunnel).to.deep.equal(to(2, noTag))
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

for (const { tunnels, variables, tagging } of kinds)
  describe(`packets from other nodes by ${tunnels}, in memory`, () => {
    const machine = memory.open({ variables })
    const isGeneve = variables.weir_geneve === 1

    for (const family of families)
      for (const outer of families) {
        const inside = `IPv${family} in IPv${outer}`
        const packet = (from: string, to: string, source: Uint8Array = tagging, port = 80): Uint8Array =>
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
          drops(packet(of(far.pod, family), of(b, family), tagging, 81), tunnel(far, outer), reasons.denied)
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
          const otherTag = Uint8Array.of(1, 2, 3, 4, 6)
          const differing = isGeneve ? untagged : mac('06:01:02:03:04:06')
          drops(packet(of(far.pod, family), to, differing), tunnel(far, outer, vni, otherTag), unknownIdentity)
          drops(packet(of(far.pod, family), to, untagged), tunnel(far, outer, 2, noTag), unknownIdentity)
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

        it(`${inside}: what comes without a tunnel is not believed to be another node’s pod`, () => {
          reset()
          const device = (from: string, to: string, port = 80): Run => {
            const given = frame({ from: untagged, to: overlay }, { from, to }, udp(40_000, port))
            return machine.run('weir_from_device', given, machine.ifindex.n, 0, { ingressIfindex: machine.ifindex.n })
          }
          const before = dropsOf(machine, reasons.source)
          expect(device(of(far.pod, family), of(b, family)).result, 'a pod that tables don’t know').to.equal(shot)
          putAddress(machine, of(far.pod, family), { identity: 777, peerClass: 1 })
          expect(device(of(far.pod, family), of(b, family)).result, 'one that they know').to.equal(shot)
          expect(Number(dropsOf(machine, reasons.source) - before)).to.be.greaterThan(1)
          expect(device(of(far, family), of(node, family)).result, 'the node itself').to.equal(next)
          expect(device(of(outside, family), of(b, family)).result, 'somebody outside').to.equal(next)
          const port = variables.weir_tunnel_port
          expect(device(of(far.pod, family), of(node, family), port).result, 'a tunnel’s, judged within').to.equal(next)
        })
      }

    it('needs the option where the tunnel has one, whole and as it is', () => {
      if (!isGeneve) return
      empty(machine)
      fill(machine)
      know(machine, 4)
      const given = frame(
        { from: untagged, to: overlay },
        { from: far.pod.four, to: b.four },
        tcp(40_000, 80, flags.syn),
      )
      const good = optionOf(tag)
      const altered = (at: number): Uint8Array => good.map((byte, place) => (place === at ? byte ^ 1 : byte))
      const { option: _, ...bare } = tunnel(far, 4)
      for (const within of [
        bare,
        { ...bare, option: good.subarray(0, 8) },
        ...[0, 1, 2, 3].map(at => ({ ...bare, option: altered(at) })),
      ]) {
        const before = dropsOf(machine, badOption)
        const { result } = machine.run('weir_from_overlay', given, machine.ifindex.n, 0, { tunnel: within })
        expect(result, JSON.stringify(within)).to.equal(shot)
        expect(Number(dropsOf(machine, badOption) - before)).to.be.greaterThan(0)
      }
    })
  })
