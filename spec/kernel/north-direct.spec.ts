import { halves } from './packets/pairs.js'
import { expect } from 'chai'
import { machines } from './machines.js'
import { brokenChecksum } from './packets/checksum.js'
import { of } from './packets/fixture.js'
import { address, be16, bytes, flags, frame, type Ip, join, routed, tcp, udp } from './packets/frames.js'
import type { ProgramName, Run, Typed } from './packets/machine.js'
import { natKinds, paired, type Pair } from './packets/nat-world.js'
import {
  backendPort,
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
import { fill, outside } from './packets/world.js'

const clientPort = 40_000
const [next, redirected, pass, shot] = [-1, 7, 2, 2]

type Family = (typeof families)[number]
type Who = { readonly four: string; readonly six: string }

/** What tells a node which address and port a packet was sent to. */
function told(family: Family, who: Who, port: number): Pick<Ip, 'options' | 'extensions'> {
  const where = address(of(who, family))
  if (family === 4) return { options: join([0x9a, 8], be16(port), where) }
  return { extensions: [{ kind: 60, bytes: join([0, 2, 0x1b, 20], where, be16(port), [0, 0]) }] }
}

for (const kind of machines)
  describe(`clients outside who are answered straight, in ${kind.name}`, function () {
    this.timeout(30_000)
    let machine: Typed

    before(function () {
      if (kind.isMissing) this.skip()
      machine = kind.open({ variables: { weir_xdp_unfinished: 0, weir_direct_return: 3 } })
    })
    after(() => machine?.close())
    beforeEach(() => {
      empty(machine)
      forget(machine)
      fill(machine)
    })

    const run = (program: ProgramName, packet: Uint8Array): Run =>
      machine.run(program, packet, machine.ifindex.n, 0, { ingressIfindex: machine.ifindex.n })
    const whole = ({ packet }: Run, wanted: Uint8Array): void => {
      expect(hex(packet)).to.equal(hex(wanted))
      expect(brokenChecksum(packet)).to.equal(undefined)
    }
    const ends = (family: Family, from: Who, to: Who): Ip => ({ from: of(from, family), to: of(to, family) })

    for (const family of families) {
      for (const [name, protocol, payload] of [
        ['a SYN', protocols.TCP, (to: number) => tcp(clientPort, to, flags.syn)],
        ['a datagram', protocols.UDP, (to: number) => udp(clientPort, to)],
      ] as const) {
        const opened = (ifindex: number): void => {
          const pair: Pair = {
            protocol,
            before: { from: [outside, clientPort], to: [service, servicePort] },
            after: { from: [outside, clientPort], to: [far, backendPort] },
            kind: natKinds.forwarded,
            backend: protocol === protocols.TCP ? 1 : 1001,
            hop: { ifindex, link: onward, mtuBytes },
          }
          paired(family, pair).change(machine)
        }

        it(`IPv${family}: ${name} goes on and tells where it was sent to; XDP leaves it`, () => {
          serve(machine, [far])
          opened(machine.ifindex.n)
          const packet = frame(inward, ends(family, outside, service), payload(servicePort))
          const left = run('weir_xdp', packet)
          expect(left.result).to.equal(pass)
          expect(hex(left.packet)).to.equal(hex(packet))
          const sent = run('weir_from_device', packet)
          expect(sent.result).to.equal(redirected)
          const header = { ...ends(family, outside, far), ...told(family, service, servicePort) }
          whole(sent, routed(frame(inward, header, payload(backendPort)), onward))
        })

        it(`IPv${family}: ${name} that tells is heard, and the pod answers as the service`, () => {
          serve(machine, [near])
          const header = { ...ends(family, outside, near), ...told(family, service, servicePort) }
          const heard = run('weir_from_device', frame(inward, header, payload(backendPort)))
          expect(heard.result).to.equal(next)
          whole(heard, frame(inward, ends(family, outside, near), payload(backendPort)))
          const answer = (from: Who, port: number): Uint8Array =>
            frame(
              inward,
              ends(family, from, outside),
              protocol === protocols.TCP ? tcp(port, clientPort, flags.syn | flags.ack) : udp(port, clientPort),
            )
          const shown = run('weir_to_device', answer(near, backendPort))
          expect(shown.result).to.equal(next)
          whole(shown, answer(service, servicePort))
        })

        it(`IPv${family}: ${name} that tells of no service is not believed`, () => {
          serve(machine, [near])
          const header = { ...ends(family, outside, near), ...told(family, service, 81) }
          const packet = frame(inward, header, payload(backendPort))
          expect(hex(run('weir_from_device', packet).packet)).to.equal(hex(packet))
          expect(halves(machine, family)).to.deep.equal([])
        })
      }

      const tellingSyn = (from: Who, seen: number = flags.syn): Uint8Array =>
        frame(
          inward,
          { ...ends(family, from, near), ...told(family, service, servicePort) },
          tcp(clientPort, backendPort, seen),
        )
      const unheard = (packet: Uint8Array, why: string): void => {
        const { result, packet: stays } = run('weir_from_device', packet)
        expect(hex(stays), why).to.equal(hex(packet))
        expect(halves(machine, family), why).to.deep.equal([])
        expect(result, why).to.equal(next)
      }

      it(`IPv${family}: who tells amid a stream, or of a service that nodes keep to themselves is not believed`, () => {
        serve(machine, [near])
        unheard(tellingSyn(outside, flags.ack), 'amid a stream')
        unheard(tellingSyn(outside, flags.syn | flags.ack), 'an answer')
        serve(machine, [near], { isLocalOnly: true })
        unheard(tellingSyn(outside), 'nodes lead nobody to another')
        serve(machine, [near])
        expect(run('weir_from_device', tellingSyn(outside)).result, 'the same of a client').to.equal(next)
        expect(halves(machine, family)).to.have.length(2)
      })

      it(`IPv${family}: who tells of a client whom the service isn’t for is dropped for that`, () => {
        const ranges = 7
        serve(machine, [near], { ranges })
        const dropped = (): bigint => machine.perCpu('weir_counters', Uint8Array.of(177, 0, 0, 0))[1]!
        const before = dropped()
        expect(run('weir_from_device', tellingSyn(outside)).result).to.equal(shot)
        expect(dropped() - before).to.equal(1n)
        expect(halves(machine, family)).to.deep.equal([])
        machine.put(`weir_ranges${family}`, { length: 32 + 24, ranges, address: address(of(outside, family)) }, 1)
        expect(run('weir_from_device', tellingSyn(outside)).result).to.equal(next)
        machine.remove(`weir_ranges${family}`, { length: 32 + 24, ranges, address: address(of(outside, family)) })
      })

      it(`IPv${family}: a flow that lives is nobody’s to be given another name`, () => {
        serve(machine, [near])
        expect(run('weir_from_device', tellingSyn(outside)).result).to.equal(next)
        const pairs = (): readonly string[] => halves(machine, family).map(hex).sort()
        const first = pairs()
        const other = { ...service, four: '203.0.113.11', six: '2001:db8:f::11' }
        const key = { address: address(of(other, family)), port: servicePort, protocol: protocols.TCP, scope: 1 }
        machine.put(`weir_frontends${family}`, key, { first: 0, count: 1 })
        const header = { ...ends(family, outside, near), ...told(family, other, servicePort) }
        expect(run('weir_from_device', frame(inward, header, tcp(clientPort, backendPort, flags.syn))).result).to.equal(
          shot,
        )
        expect(pairs()).to.deep.equal(first)
      })

      it(`IPv${family}: the first piece of a datagram tells, and the pod gets it without`, () => {
        const body = new Uint8Array(64).fill(7)
        const piece = (header: Ip, to: number): Uint8Array =>
          frame(inward, { ...header, more: true, id: 99 }, udp(clientPort, to, body), [0, 40])
        serve(machine, [far])
        const hop = { ifindex: machine.ifindex.n, link: onward, mtuBytes }
        paired(family, {
          protocol: protocols.UDP,
          before: { from: [outside, clientPort], to: [service, servicePort] },
          after: { from: [outside, clientPort], to: [far, backendPort] },
          ...{ kind: natKinds.forwarded, backend: 1001, hop },
        }).change(machine)
        const sent = run('weir_from_device', piece(ends(family, outside, service), servicePort))
        expect(sent.result).to.equal(redirected)
        // Of a datagram in pieces the sum covers what isn't here: it is mended by what changed, and only that.
        const wanted = piece({ ...ends(family, outside, far), ...told(family, service, servicePort) }, backendPort)
        expect(hex(sent.packet)).to.equal(hex(routed(wanted, onward)))
        serve(machine, [near])
        const heard = run(
          'weir_from_device',
          piece({ ...ends(family, outside, near), ...told(family, service, servicePort) }, backendPort),
        )
        expect(heard.result).to.equal(next)
        expect(hex(heard.packet)).to.equal(hex(piece(ends(family, outside, near), backendPort)))
      })

      it(`IPv${family}: later packets of a stream go on by XDP and tell nothing`, () => {
        serve(machine, [far])
        const pair: Pair = {
          protocol: protocols.TCP,
          before: { from: [outside, clientPort], to: [service, servicePort] },
          after: { from: [outside, clientPort], to: [far, backendPort] },
          kind: natKinds.forwarded,
          backend: 1,
          hop: { ifindex: 1, link: onward, mtuBytes },
        }
        paired(family, pair).change(machine)
        const data = bytes(1, 2, 3)
        const sent = run(
          'weir_xdp',
          frame(inward, ends(family, outside, service), tcp(clientPort, servicePort, flags.ack, data)),
        )
        expect(sent.result).to.equal(3)
        const wanted = frame(inward, ends(family, outside, far), tcp(clientPort, backendPort, flags.ack, data))
        whole(sent, routed(wanted, onward))
      })
    }
  })
