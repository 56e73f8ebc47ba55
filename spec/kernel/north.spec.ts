import { halves } from './packets/pairs.js'
import { expect } from 'chai'
import { machines } from './machines.js'
import { brokenChecksum } from './packets/checksum.js'
import { of } from './packets/fixture.js'
import { bytes, echo, flags, frame, icmpError, ip, type Ip, type Payload, routed, tcp, udp } from './packets/frames.js'
import type { ProgramName, Run, Typed } from './packets/machine.js'
import { natKinds, paired, type Pair } from './packets/nat-world.js'
import {
  backendPort,
  close,
  connect,
  families,
  far,
  forget,
  inward,
  mtuBytes,
  near,
  onward,
  protocols,
  serve,
  service,
  servicePort,
} from './packets/north-world.js'
import { hex } from './packets/play.js'
import { empty } from './packets/reset.js'
import { fill, node, outside } from './packets/world.js'

const clientPort = 40_000
const pass = 2
const transmit = 3
const redirectedFrame = 4
const [next, shot, redirected] = [-1, 2, 7]
const loopback = 1
const transports = { TCP: (from: number, to: number) => tcp(from, to, flags.syn), UDP: udp } as const
type Transport = keyof typeof transports

type Who = { readonly four: string; readonly six: string }
type Where = readonly [who: Who, port: number]

for (const kind of machines)
  describe(`services for those outside, in ${kind.name}`, function () {
    this.timeout(30_000)
    let machine: Typed

    before(function () {
      if (kind.isMissing) this.skip()
      machine = kind.open({ variables: { weir_xdp_unfinished: 0 } })
    })
    after(() => machine?.close())

    beforeEach(() => {
      empty(machine)
      forget(machine)
      fill(machine)
    })

    const packetOf = (family: 4 | 6, from: Where, to: Where, payload: Payload, more: Partial<Ip> = {}): Uint8Array =>
      frame(inward, { from: of(from[0], family), to: of(to[0], family), ...more }, payload)
    const request = (family: 4 | 6, transport: Transport, to: Where = [service, servicePort]): Uint8Array =>
      packetOf(family, [outside, clientPort], to, transports[transport](clientPort, to[1]))
    const run = (program: ProgramName, packet: Uint8Array): Run =>
      machine.run(program, packet, machine.ifindex.n, 0, { ingressIfindex: machine.ifindex.n })
    const expectPacket = ({ packet }: Run, wanted: Uint8Array): void => {
      expect(hex(packet)).to.equal(hex(wanted))
      expect(brokenChecksum(packet)).to.equal(undefined)
    }

    for (const family of families)
      for (const transport of ['TCP', 'UDP'] as const) {
        const words = `IPv${family} ${transport}`
        const protocol = protocols[transport]
        const index = transport === 'TCP' ? 1 : 1001
        const toNear = packetOf(
          family,
          [outside, clientPort],
          [near, backendPort],
          transports[transport](clientPort, backendPort),
        )

        it(`${words}: a backend of this node sees the client, and the client the service`, () => {
          serve(machine, [near])
          const there = run('weir_xdp', request(family, transport))
          expect(there.result).to.equal(pass)
          expectPacket(there, toNear)
          const back = packetOf(
            family,
            [near, backendPort],
            [outside, clientPort],
            transports[transport](backendPort, clientPort),
          )
          const answer = run('weir_to_device', back)
          expect(answer.result).to.equal(next)
          expectPacket(
            answer,
            packetOf(
              family,
              [service, servicePort],
              [outside, clientPort],
              transports[transport](servicePort, clientPort),
            ),
          )
        })

        it(`${words}: traffic control does the same, and goes on with flows of XDP`, () => {
          serve(machine, [near])
          for (const round of [1, 2]) {
            const there = run('weir_from_device', request(family, transport))
            expect(there.result, `packet ${round}`).to.equal(next)
            expectPacket(there, toNear)
          }
          expectPacket(run('weir_xdp', request(family, transport)), toNear)
        })

        it(`${words}: what is no service passes as it came`, () => {
          serve(machine, [near])
          for (const to of [
            [service, 81],
            [near, servicePort],
            [service, 2000],
          ] as const) {
            const packet = request(family, transport, to)
            const frames = run('weir_xdp', packet)
            expect(frames.result).to.equal(pass)
            expect(hex(frames.packet)).to.equal(hex(packet))
            const packets = run('weir_from_device', packet)
            expect(packets.result).to.equal(next)
            expect(hex(packets.packet)).to.equal(hex(packet))
          }
        })

        it(`${words}: a flow to another node leaves under the node's address, a hop less, and comes back`, () => {
          serve(machine, [far])
          const pair: Pair = {
            protocol,
            before: { from: [outside, clientPort], to: [service, servicePort] },
            after: { from: [node, 2222], to: [far, backendPort] },
            kind: natKinds.nodePort,
            backend: index,
            hop: { ifindex: loopback, link: onward, mtuBytes },
          }
          paired(family, pair).change(machine)
          const there = run('weir_xdp', request(family, transport))
          expect(there.result).to.equal(transmit)
          const sent = packetOf(family, [node, 2222], [far, backendPort], transports[transport](2222, backendPort))
          expectPacket(there, routed(sent, onward))
          const back = packetOf(family, [far, backendPort], [node, 2222], transports[transport](backendPort, 2222))
          const answer = run('weir_xdp', back)
          expect(answer.result).to.equal(transmit)
          const shown = packetOf(
            family,
            [service, servicePort],
            [outside, clientPort],
            transports[transport](servicePort, clientPort),
          )
          expectPacket(answer, routed(shown, onward))
        })

        it(`${words}: a frame whose way is by another device is sent there if that takes frames`, () => {
          serve(machine, [far])
          const another = machine.ifindex.n
          const pair: Pair = {
            protocol,
            before: { from: [outside, clientPort], to: [service, servicePort] },
            after: { from: [node, 2222], to: [far, backendPort] },
            kind: natKinds.nodePort,
            backend: index,
            hop: { ifindex: another, link: onward, mtuBytes },
          }
          const there = request(family, transport)
          const back = packetOf(family, [far, backendPort], [node, 2222], transports[transport](backendPort, 2222))
          connect(machine, loopback)
          for (const takesFrames of [undefined, false]) {
            if (takesFrames === false) connect(machine, another)
            paired(family, pair).change(machine)
            for (const packet of [there, back]) {
              const left = run('weir_xdp', packet)
              expect(left.result).to.equal(pass)
              expect(hex(left.packet)).to.equal(hex(packet))
            }
          }
          connect(machine, another, true, true)
          const sent = packetOf(family, [node, 2222], [far, backendPort], transports[transport](2222, backendPort))
          const shown = packetOf(
            family,
            [service, servicePort],
            [outside, clientPort],
            transports[transport](servicePort, clientPort),
          )
          for (const [packet, expected] of [
            [there, sent],
            [back, shown],
          ] as const) {
            const frames = run('weir_xdp', packet)
            expect(frames.result).to.equal(redirectedFrame)
            if (frames.redirect !== undefined)
              expect(frames.redirect).to.deep.equal({ kind: 'device', ifindex: another })
            expectPacket(frames, routed(expected, onward))
          }
        })

        it(`${words}: a frame with its last hop, or too large for the way, is left to traffic control`, () => {
          serve(machine, [far])
          const pair: Pair = {
            protocol,
            before: { from: [outside, clientPort], to: [service, servicePort] },
            after: { from: [node, 2222], to: [far, backendPort] },
            kind: natKinds.nodePort,
            backend: index,
            hop: { ifindex: loopback, link: onward, mtuBytes: 100 },
          }
          paired(family, pair).change(machine)
          const large = new Uint8Array(120)
          const last = packetOf(
            family,
            [outside, clientPort],
            [service, servicePort],
            transports[transport](clientPort, servicePort),
            { ttl: 1 },
          )
          const big = packetOf(
            family,
            [outside, clientPort],
            [service, servicePort],
            transport === 'TCP' ? tcp(clientPort, servicePort, flags.ack, large) : udp(clientPort, servicePort, large),
          )
          for (const packet of [last, big]) {
            const left = run('weir_xdp', packet)
            expect(left.result).to.equal(pass)
            expect(hex(left.packet)).to.equal(hex(packet))
          }
        })
      }

    for (const family of families) {
      it(`IPv${family}: without a backend a client is told at once`, () => {
        serve(machine, [near])
        close(machine)
        for (const transport of ['TCP', 'UDP'] as const) {
          const packet = request(family, transport)
          expect(run('weir_xdp', packet).result).to.equal(pass)
          const refused = run('weir_from_device', packet)
          expect(refused.result).to.equal(redirected)
          expect(brokenChecksum(refused.packet)).to.equal(undefined)
          expect(hex(refused.packet.slice(0, 12))).to.equal(hex(bytes(...onward.to, ...onward.from)))
          const at = family === 4 ? 34 : 54
          if (transport === 'TCP') expect(refused.packet[at + 13]).to.equal(flags.rst | flags.ack)
          else expect([...refused.packet.slice(at, at + 2)]).to.deep.equal(family === 4 ? [3, 3] : [1, 4])
        }
      })

      it(`IPv${family}: a connection whose backend has gone is reset, a new one goes to another`, () => {
        serve(machine, [near])
        run('weir_xdp', request(family, 'TCP'))
        machine.put(`weir_backends${family}`, 1, {})
        serve(machine, [far], { first: 2 })
        connect(machine, machine.ifindex.n)
        const stale = packetOf(
          family,
          [outside, clientPort],
          [service, servicePort],
          tcp(clientPort, servicePort, flags.ack),
        )
        expect(run('weir_xdp', stale).result).to.equal(pass)
        const reset = run('weir_from_device', stale)
        expect(reset.result).to.equal(redirected)
        expect(reset.packet[(family === 4 ? 34 : 54) + 13]).to.equal(flags.rst)
        expect(brokenChecksum(reset.packet)).to.equal(undefined)
      })

      it(`IPv${family}: an error about the answer of a backend of this node reaches it as about its own packet`, () => {
        serve(machine, [near])
        run('weir_xdp', request(family, 'UDP'))
        const shown = ip(
          { from: of(service, family), to: of(outside, family) },
          udp(servicePort, clientPort, new Uint8Array(40)),
        )
        const router = { four: '198.51.100.1', six: '2001:db8:1::1' }
        const [type, code] = family === 4 ? [3, 4] : [2, 0]
        const error = packetOf(family, [router, 0], [service, 0], icmpError(type, code, shown, 1300))
        const there = run('weir_from_device', error)
        const own = ip(
          { from: of(near, family), to: of(outside, family) },
          udp(backendPort, clientPort, new Uint8Array(40)),
        )
        expectPacket(there, packetOf(family, [router, 0], [near, 0], icmpError(type, code, own, 1300)))
      })

      it(`IPv${family}: an error of a backend of this node reaches the client as the service's`, () => {
        serve(machine, [near])
        run('weir_xdp', request(family, 'UDP'))
        const got = ip({ from: of(outside, family), to: of(near, family) }, udp(clientPort, backendPort))
        const [type, code] = family === 4 ? [3, 3] : [1, 4]
        const error = packetOf(family, [near, 0], [outside, 0], icmpError(type, code, got))
        const there = run('weir_to_device', error)
        const sent = ip({ from: of(outside, family), to: of(service, family) }, udp(clientPort, servicePort))
        expectPacket(there, packetOf(family, [service, 0], [outside, 0], icmpError(type, code, sent)))
      })

      it(`IPv${family}: fragments behind the first go to the backend of the first`, () => {
        serve(machine, [near])
        const whole = udp(clientPort, servicePort, new Uint8Array(64).fill(7))
        const onlyTo = udp(clientPort, backendPort, new Uint8Array(64).fill(7))
        const header = { from: of(outside, family), to: of(service, family), id: 77 }
        const toBackend = { ...header, to: of(near, family) }
        for (const [more, offset, start, end] of [
          [true, 0, 0, 40],
          [false, 40, 40, 72],
        ] as const) {
          const packet = frame(inward, { ...header, more, offset }, whole, [start, end])
          const left = run('weir_xdp', packet)
          expect(left.result).to.equal(pass)
          expect(hex(left.packet)).to.equal(hex(packet))
          const piece = frame(inward, { ...toBackend, more, offset }, onlyTo, [start, end])
          // The sum in a first fragment is over the whole datagram: it changes as the whole one's does.
          expect(hex(run('weir_from_device', packet).packet)).to.equal(hex(piece))
        }
      })

      it(`IPv${family}: an echo request to the service's address isn't the service's`, () => {
        serve(machine, [near])
        const ping = packetOf(family, [outside, 0], [service, 0], echo(family, false, 9))
        for (const program of ['weir_xdp', 'weir_from_device'] as const)
          expect(hex(run(program, ping).packet)).to.equal(hex(ping))
      })

      it(`IPv${family}: one backend for one flow, whatever numbers a node gives to backends`, () => {
        const more = { four: '10.0.1.2', six: 'fd00::1:2' }
        const chosen = (first: number): string[] => {
          empty(machine)
          fill(machine)
          serve(machine, [near, more], { first })
          return Array.from({ length: 40 }, (_, at) => {
            const payload = tcp(1000 + at, servicePort, flags.syn)
            const { packet } = run('weir_xdp', packetOf(family, [outside, 0], [service, 0], payload))
            return hex(packet.slice(family === 4 ? 30 : 38, family === 4 ? 34 : 54))
          })
        }
        const one = chosen(1)
        expect(new Set(one).size).to.equal(2)
        expect(chosen(11)).to.deep.equal(one)
      })

      it(`IPv${family}: with affinity a client keeps its backend whatever its port`, () => {
        const more = { four: '10.0.1.2', six: 'fd00::1:2' }
        serve(machine, [near, more], { affinity: 600 })
        const seen = Array.from({ length: 20 }, (_, at) => {
          const payload = tcp(1000 + at, servicePort, flags.syn)
          const { packet } = run('weir_xdp', packetOf(family, [outside, 0], [service, 0], payload))
          return hex(packet.slice(family === 4 ? 30 : 38, family === 4 ? 34 : 54))
        })
        expect(new Set(seen).size).to.equal(1)
      })

      it(`IPv${family}: a policy of Local never sends a client to another node`, () => {
        serve(machine, [far], { isLocalOnly: true })
        connect(machine, machine.ifindex.n)
        const packet = request(family, 'TCP')
        expect(hex(run('weir_xdp', packet).packet)).to.equal(hex(packet))
        expect(run('weir_from_device', packet).result).to.equal(shot)
        expect(halves(machine, family)).to.deep.equal([])
      })
    }

    it('an answer without a pair is the node’s, as it came', () => {
      serve(machine, [far])
      for (const family of families) {
        const packet = packetOf(family, [far, backendPort], [node, 2222], udp(backendPort, 2222))
        expect(hex(run('weir_xdp', packet).packet)).to.equal(hex(packet))
        expect(hex(run('weir_from_device', packet).packet)).to.equal(hex(packet))
      }
    })
  })
