import { expect } from 'chai'
import { memory } from './machines.js'
import { brokenChecksum } from './packets/checksum.js'
import { of } from './packets/fixture.js'
import { address, bytes, flags, frame, icmp4, icmp6, mac, routed, tcp } from './packets/frames.js'
import type { ProgramName, Run } from './packets/machine.js'
import {
  backendPort,
  connect,
  families,
  far,
  forget,
  inward,
  onward,
  portAtNode,
  serve,
  service,
  servicePort,
} from './packets/north-world.js'
import { hex } from './packets/play.js'
import { empty } from './packets/reset.js'
import { fill, node, outside } from './packets/world.js'

const pass = 2
const transmit = 3
const [shot, redirected] = [2, 7]
const loopback = 1
const redirectedFrame = 4

/** As ways have addresses. */
const padded = (bits: Uint8Array): Uint8Array => bytes(...bits, ...new Uint8Array(16 - bits.length))

describe('services for those outside, by ways that a test gives', () => {
  const machine = memory.open({ variables: { weir_nat_first_port: 5000, weir_nat_last_port: 5001 } })
  const ways = loopback

  beforeEach(() => {
    empty(machine)
    forget(machine)
    fill(machine)
    serve(machine, [far])
  })

  const syn = (family: 4 | 6, port: number): Uint8Array =>
    frame(inward, { from: of(outside, family), to: of(service, family) }, tcp(port, servicePort, flags.syn))
  const run = (program: ProgramName, packet: Uint8Array): Run =>
    machine.run(program, packet, ways, 0, { ingressIfindex: ways })

  for (const family of families) {
    it(`IPv${family}: XDP opens a flow to another node under a port of its own, and knows the answer`, () => {
      connect(machine, ways)
      const there = run('weir_xdp', syn(family, 40_000))
      expect(there.result).to.equal(transmit)
      const port = portAtNode(machine, family)
      expect(port).to.be.within(5000, 5001)
      const sent = frame(inward, { from: of(node, family), to: of(far, family) }, tcp(port, backendPort, flags.syn))
      expect(hex(there.packet)).to.equal(hex(routed(sent, onward)))
    })

    it(`IPv${family}: an answer takes the client's way at once, which is another than the backend's`, () => {
      const another = 14
      const macs = { to: mac('02:00:00:00:88:01'), from: mac('02:00:00:00:88:02') }
      const clientWay = { family, destination: padded(address(of(outside, family))), ifindex: another, mtuBytes: 1500 }
      for (const takesFrames of [false, true]) {
        empty(machine)
        fill(machine)
        serve(machine, [far])
        connect(machine, ways)
        connect(machine, another, true, takesFrames)
        machine.setWays?.([
          { ...clientWay, macs },
          { family, ifindex: ways, mtuBytes: 1500, macs: onward },
        ])
        expect(run('weir_xdp', syn(family, 40_000)).result).to.equal(transmit)
        const port = portAtNode(machine, family)
        const seen = flags.syn | flags.ack
        const back = frame(inward, { from: of(far, family), to: of(node, family) }, tcp(backendPort, port, seen))
        const shown = frame(
          { from: macs.from, to: macs.to },
          { from: of(service, family), to: of(outside, family), ttl: 63 },
          tcp(servicePort, 40_000, seen),
        )
        const frames = run('weir_xdp', back)
        expect(frames.result).to.equal(takesFrames ? redirectedFrame : pass)
        const sent = takesFrames ? frames : run('weir_from_device', back)
        expect(sent.redirect).to.deep.equal({ kind: 'device', ifindex: another })
        expect(hex(sent.packet)).to.equal(hex(shown))
        expect(brokenChecksum(sent.packet)).to.equal(undefined)
      }
    })

    it(`IPv${family}: what XDP can't send, as nobody knows the neighbour, traffic control gives to the stack`, () => {
      connect(machine, ways, false)
      const packet = syn(family, 40_000)
      const left = run('weir_xdp', packet)
      expect(left.result).to.equal(pass)
      expect(hex(left.packet)).to.equal(hex(packet))
      const given = run('weir_from_device', packet)
      expect(given.result).to.equal(redirected)
      expect(given.redirect).to.deep.equal({ kind: 'neighbour', ifindex: ways })
      expect(brokenChecksum(given.packet)).to.equal(undefined)
      connect(machine, ways)
      expect(run('weir_xdp', packet).result, 'once it is known').to.equal(transmit)
    })

    it(`IPv${family}: ports run out for new flows alone, and are there again when flows have ended`, () => {
      connect(machine, ways)
      for (const port of [40_000, 40_001]) expect(run('weir_xdp', syn(family, port)).result).to.equal(transmit)
      expect(run('weir_xdp', syn(family, 40_002)).result).to.equal(pass)
      const before = machine.perCpu('weir_counters', Uint8Array.of(167, 0, 0, 0))[1]!
      expect(run('weir_from_device', syn(family, 40_002)).result).to.equal(shot)
      expect(machine.perCpu('weir_counters', Uint8Array.of(167, 0, 0, 0))[1]! - before).to.equal(1n)
      expect(run('weir_xdp', syn(family, 40_001)).result, 'one that has a port').to.equal(transmit)
      machine.advance(61)
      expect(run('weir_xdp', syn(family, 40_002)).result).to.equal(transmit)
    })

    it(`IPv${family}: clients out of the service's blocks are not served`, () => {
      connect(machine, ways)
      serve(machine, [far], { ranges: 7 })
      const block = (length: number): void =>
        machine.put(
          `weir_ranges${family}`,
          { length: 32 + length, ranges: 7, address: address(of(outside, family)) },
          1,
        )
      expect(run('weir_xdp', syn(family, 40_000)).result).to.equal(pass)
      const before = machine.perCpu('weir_counters', Uint8Array.of(177, 0, 0, 0))[1]!
      expect(run('weir_from_device', syn(family, 40_000)).result).to.equal(shot)
      expect(machine.perCpu('weir_counters', Uint8Array.of(177, 0, 0, 0))[1]! - before).to.equal(1n)
      block(24)
      expect(run('weir_xdp', syn(family, 40_000)).result).to.equal(transmit)
    })

    it(`IPv${family}: a port that a socket of the node has is nobody else's`, () => {
      connect(machine, ways)
      const local = { address: new Uint8Array(16), port: 5000 }
      machine.openSocket?.({ family, protocol: 6, state: 10, local })
      run('weir_xdp', syn(family, 40_000))
      expect(portAtNode(machine, family)).to.equal(5001)
    })

    it(`IPv${family}: who sends what is too large for the way is told how large it may be`, () => {
      connect(machine, ways)
      machine.setWays?.([{ family, ifindex: ways, mtuBytes: 1280, macs: onward }])
      const payload = tcp(40_000, servicePort, flags.ack, new Uint8Array(1400))
      const packet = frame(inward, { from: of(outside, family), to: of(service, family) }, payload)
      const told = run('weir_from_device', packet)
      expect(told.result).to.equal(redirected)
      const quoted = packet.slice(14, family === 4 ? 42 : 62)
      const word = Uint8Array.of(0, 0, 1280 >> 8, 1280 & 255)
      const rest = bytes(...word, ...quoted)
      const error = frame(
        { from: inward.to, to: inward.from },
        { from: of(service, family), to: of(outside, family) },
        family === 4 ? icmp4(3, 4, rest) : icmp6(2, 0, rest),
      )
      expect(hex(told.packet.slice(family === 4 ? 34 : 54))).to.equal(hex(error.slice(family === 4 ? 34 : 54)))
      expect(brokenChecksum(told.packet)).to.equal(undefined)
    })

    it(`IPv${family}: a frame whose sum nobody has made goes to traffic control as it is`, () => {
      connect(machine, ways)
      const packet = syn(family, 40_000)
      const at = family === 4 ? 14 + 20 + 16 : 14 + 40 + 16
      const pseudo = frame(
        inward,
        { from: of(outside, family), to: of(service, family) },
        { protocol: 6, render: bytesOf => partial(bytesOf(20), packet.slice(family === 4 ? 34 : 54)) },
      )
      expect(hex(pseudo)).to.not.equal(hex(packet))
      const left = run('weir_xdp', pseudo)
      expect(left.result).to.equal(pass)
      expect(hex(left.packet)).to.equal(hex(pseudo))
      expect(run('weir_xdp', packet).result).to.equal(transmit)
      expect(at).to.be.greaterThan(0)
    })
  }
})

/** The segment with a sum over the pseudo header alone, as a stack leaves it to a device. */
function partial(pseudo: Uint8Array, segment: Uint8Array): Uint8Array {
  let sum = 0
  for (let i = 0; i < pseudo.length; i += 2) sum += pseudo[i]! * 256 + pseudo[i + 1]!
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  const copy = segment.slice()
  copy.set([sum >> 8, sum & 255], 16)
  return copy
}
