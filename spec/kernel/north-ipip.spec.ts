import { halves } from './packets/pairs.js'
import { expect } from 'chai'
import { machines } from './machines.js'
import { brokenChecksum } from './packets/checksum.js'
import { of } from './packets/fixture.js'
import { address, bytes, flags, frame, type Ip, type Payload, raw, routed, tcp, udp } from './packets/frames.js'
import type { ProgramName, Run, Typed } from './packets/machine.js'
import { natKinds, paired } from './packets/nat-world.js'
import {
  backendPort,
  connect,
  families,
  far,
  forget,
  inward,
  near,
  onward,
  protocols,
  serve,
  service,
  servicePort,
  type Who,
} from './packets/north-world.js'
import { hex } from './packets/play.js'
import { empty } from './packets/reset.js'
import { b, fill, node, outside } from './packets/world.js'

const clientPort = 40_000
const [next, redirected, pass, shot] = [-1, 7, 2, 2]
const remoteNode = 6
/** A node that serves clients for this one. */
const other = { four: '10.0.0.2', six: 'fd00::2' } as const
const headerBytes = { 4: 20, 6: 40 } as const

type Family = (typeof families)[number]

const ends = (family: Family, from: Who, to: Who): Ip => ({ from: of(from, family), to: of(to, family) })

/** A frame within a packet from one node to a backend, which tells the backend's port. */
function wrapped(family: Family, link: typeof inward, from: Who, to: Who, inner: Uint8Array, port = backendPort) {
  const protocol = family === 4 ? 4 : 41
  const outer = { ...ends(family, from, to), id: port, isWhole: true, ttl: 64 }
  const whole = frame(link, outer, raw(protocol, inner.slice(14)))
  if (family === 6) whole.set([port >> 8, port & 255], 16)
  return whole
}

for (const kind of machines)
  describe(`clients outside whose packets go to backends within others, in ${kind.name}`, function () {
    this.timeout(30_000)
    let machine: Typed

    before(function () {
      if (kind.isMissing) this.skip()
      machine = kind.open({ variables: { weir_xdp_unfinished: 0, weir_direct_return: 3, weir_ipip: 1 } })
    })
    after(() => machine?.close())
    beforeEach(() => {
      empty(machine)
      forget(machine)
      fill(machine)
    })

    const run = (program: ProgramName, packet: Uint8Array): Run =>
      machine.run(program, packet, machine.ifindex.n, 0, { ingressIfindex: machine.ifindex.n })
    const knowNode = (family: Family, who: Who): void =>
      machine.put(
        `weir_addr${family}`,
        { address: address(of(who, family)) },
        { identity: remoteNode, peer_class: node.peerClass, subject: 0, slot: 0 },
      )
    const opened = (family: Family, protocol: number, mtuBytes = 1500): void => {
      connect(machine, machine.ifindex.n)
      paired(family, {
        protocol,
        before: { from: [outside, clientPort], to: [service, servicePort] },
        after: { from: [outside, clientPort], to: [far, backendPort] },
        kind: natKinds.forwarded,
        backend: protocol === protocols.TCP ? 1 : 1001,
        hop: { ifindex: machine.ifindex.n, link: onward, mtuBytes },
      }).change(machine)
    }
    const client = (family: Family, payload: Payload): Uint8Array =>
      frame(inward, ends(family, outside, service), payload)

    for (const family of families) {
      for (const [name, protocol, payload] of [
        ['a SYN', protocols.TCP, (to: number) => tcp(clientPort, to, flags.syn)],
        ['data', protocols.TCP, (to: number) => tcp(clientPort, to, flags.ack, bytes(1, 2, 3))],
        ['a datagram', protocols.UDP, (to: number) => udp(clientPort, to, bytes(4, 5))],
      ] as const) {
        it(`IPv${family}: ${name} goes on as it came, within one from this node; XDP leaves it`, () => {
          serve(machine, [far])
          opened(family, protocol)
          const packet = client(family, payload(servicePort))
          const left = run('weir_xdp', packet)
          expect([left.result, hex(left.packet)]).to.deep.equal([pass, hex(packet)])
          const sent = run('weir_from_device', packet)
          expect(sent.result).to.equal(redirected)
          const inner = routed(packet, onward)
          expect(hex(sent.packet)).to.equal(hex(wrapped(family, onward, node, far, inner)))
          expect(brokenChecksum(sent.packet)).to.equal(undefined)
          expect(brokenChecksum(inner)).to.equal(undefined)
        })

        it(`IPv${family}: ${name} that comes so is taken out, goes to the pod, which answers as the service`, () => {
          serve(machine, [near])
          knowNode(family, other)
          const inner = client(family, payload(servicePort))
          for (const time of ['first', 'again']) {
            const heard = run('weir_from_device', wrapped(family, inward, other, near, inner))
            expect(heard.result, time).to.equal(next)
            expect(hex(heard.packet), time).to.equal(
              hex(frame(inward, ends(family, outside, near), payload(backendPort))),
            )
            expect(brokenChecksum(heard.packet)).to.equal(undefined)
          }
          expect(halves(machine, family)).to.have.length(2)
          const answer = (from: Who, port: number): Uint8Array =>
            frame(
              inward,
              ends(family, from, outside),
              protocol === protocols.TCP ? tcp(port, clientPort, flags.syn | flags.ack) : udp(port, clientPort),
            )
          const shown = run('weir_to_device', answer(near, backendPort))
          expect(shown.result).to.equal(next)
          expect(hex(shown.packet)).to.equal(hex(answer(service, servicePort)))
        })
      }

      it(`IPv${family}: what isn’t from a node, or for no pod of this one, stays what it is`, () => {
        serve(machine, [near])
        const inner = client(family, tcp(clientPort, servicePort, flags.syn))
        const untouched = (packet: Uint8Array, why: string): void => {
          expect(hex(run('weir_from_device', packet).packet), why).to.equal(hex(packet))
          expect(halves(machine, family), why).to.deep.equal([])
        }
        untouched(wrapped(family, inward, outside, near, inner), 'from outside')
        untouched(wrapped(family, inward, other, near, inner), 'from a node that nobody knows')
        knowNode(family, other)
        untouched(wrapped(family, inward, other, far, inner), 'for a pod of another node')
        untouched(wrapped(family, inward, other, near, inner, 0), 'without a port')
      })

      it(`IPv${family}: a node’s packet within which is nothing for a service is dropped`, () => {
        serve(machine, [near])
        knowNode(family, other)
        const inner = client(family, tcp(clientPort, 81, flags.syn))
        expect(run('weir_from_device', wrapped(family, inward, other, near, inner)).result).to.equal(shot)
        expect(halves(machine, family)).to.deep.equal([])
      })

      it(`IPv${family}: a node’s packet within which a pod of this node is the client is dropped`, () => {
        serve(machine, [near])
        knowNode(family, other)
        const inner = frame(inward, ends(family, b, service), tcp(clientPort, servicePort, flags.syn))
        expect(run('weir_from_device', wrapped(family, inward, other, near, inner)).result).to.equal(shot)
        expect(halves(machine, family)).to.deep.equal([])
      })

      it(`IPv${family}: a flow that is known outlives its service, which opens no other`, () => {
        serve(machine, [near])
        knowNode(family, other)
        const syn = (port: number): Uint8Array =>
          wrapped(family, inward, other, near, client(family, tcp(port, servicePort, flags.syn)))
        expect(run('weir_from_device', syn(clientPort)).result).to.equal(next)
        serve(machine, [near], { isLocalOnly: true })
        const inner = client(family, tcp(clientPort, servicePort, flags.ack, bytes(1)))
        expect(run('weir_from_device', wrapped(family, inward, other, near, inner)).result, 'it goes on').to.equal(next)
        expect(run('weir_from_device', syn(clientPort + 1)).result, 'another one').to.equal(shot)
        expect(halves(machine, family)).to.have.length(2)
      })

      it(`IPv${family}: what would be too big with another header is told so, with the size that fits`, () => {
        serve(machine, [far])
        opened(family, protocols.UDP, 1400)
        const room = 1400 - headerBytes[family]
        const fits = client(family, udp(clientPort, servicePort, new Uint8Array(room - headerBytes[family] - 8)))
        expect(run('weir_from_device', fits).packet.length).to.equal(14 + 1400)
        const more = client(family, udp(clientPort, servicePort, new Uint8Array(room - headerBytes[family] - 7)))
        const told = run('weir_from_device', more)
        expect(told.result).to.equal(redirected)
        const at = 14 + headerBytes[family]
        expect([...told.packet.slice(at, at + 2)]).to.deep.equal(family === 4 ? [3, 4] : [2, 0])
        expect((told.packet[at + 6]! << 8) | told.packet[at + 7]!, 'bytes').to.equal(room)
        expect(brokenChecksum(told.packet)).to.equal(undefined)
      })
    }
  })
