import { expect } from 'chai'
import { machines } from './machines.js'
import { decode, type Value } from './packets/btf-value.js'
import { echo, flags, frame, tcp, udp } from './packets/frames.js'
import { type Typed, typeOf } from './packets/machine.js'
import { hex } from './packets/play.js'
import { a, arriving, b, c, fill, leaving, outside } from './packets/world.js'

type Event = Readonly<Record<string, Value>>

const suppressed = 0
const lost = 1

for (const kind of machines) {
  describe(`events in ${kind.name}`, () => {
    let machine: Typed
    const open = (variables: Record<string, number> = {}, maxEntries: Record<string, number> = {}): void => {
      machine = kind.open({ variables, maxEntries })
      fill(machine)
    }
    before(function () {
      if (kind.isMissing) this.skip()
    })
    afterEach(() => machine?.close())

    const events = async (): Promise<Event[]> =>
      (await machine.events()).map(record => decode(typeOf('weir_event'), record) as Event)
    const tally = (index: number): bigint => machine.perCpu('weir_tallies', Uint8Array.of(index, 0, 0, 0))[0]!
    const send = (packet: Uint8Array): void => void machine.run('weir_from_endpoint', packet, machine.ifindex.a, 0)
    const bytesOf = (value: Value | undefined): string => hex(value as Uint8Array)

    it('a new flow is told once, with both ends', async () => {
      open()
      const syn = frame(leaving(a), { from: a.four, to: b.four }, tcp(4000, 80, flags.syn))
      send(syn)
      send(syn)
      const [event, ...more] = await events()
      expect(more).to.deep.equal([])
      const { time, source, destination, ...rest } = event!
      expect(time).to.not.equal(0n)
      expect(bytesOf(source)).to.equal(`0a000101${'00'.repeat(12)}`)
      expect(bytesOf(destination)).to.equal(`0a000102${'00'.repeat(12)}`)
      expect(rest).to.deep.equal({
        kind: 1,
        verdict: 1,
        reason: 0,
        direction: 0,
        family: 4,
        protocol: 6,
        tcp_flags: 2,
        icmp_type: 0,
        icmp_code: 0,
        is_reply: 0,
        ethertype: 0x0800,
        source_port: 4000,
        destination_port: 80,
        source_identity: a.identity,
        destination_identity: b.identity,
        source_slot: a.slot,
        destination_slot: b.slot,
        ifindex: machine.ifindex.a,
        length: syn.length,
      })
    })

    it('a denied one each time, with its reason and whose policy it was', async () => {
      open()
      const denied = frame(leaving(a), { from: a.six, to: b.six }, tcp(4000, 81, flags.syn))
      send(denied)
      send(denied)
      machine.run(
        'weir_from_endpoint',
        frame(leaving(c), { from: c.four, to: b.four }, echo(4, false, 5)),
        machine.ifindex.c,
        0,
      )
      const told = await events()
      expect(
        told.map(({ kind: what, verdict, reason, direction, family }) => ({
          what,
          verdict,
          reason,
          direction,
          family,
        })),
      ).to.deep.equal([
        { what: 2, verdict: 0, reason: 133, direction: 1, family: 6 },
        { what: 2, verdict: 0, reason: 133, direction: 1, family: 6 },
        { what: 2, verdict: 0, reason: 181, direction: 0, family: 4 },
      ])
      expect(told[2]).to.include({ icmp_type: 8, source_port: 0, destination_port: 0, source_identity: c.identity })
    })

    it('a forged sender is told with what is known', async () => {
      open()
      machine.run(
        'weir_to_endpoint',
        frame(arriving(b), { from: a.four, to: b.four }, udp(1, 53)),
        machine.ifindex.b,
        0,
      )
      const [event] = await events()
      expect(event).to.include({
        kind: 2,
        reason: 132,
        direction: 1,
        source_identity: a.identity,
        destination_identity: b.identity,
      })
    })

    it("chatter isn't told", async () => {
      open()
      send(frame(leaving(a), { from: a.four, to: '224.0.0.22' }, { protocol: 2, render: () => new Uint8Array(8) }))
      expect(await events()).to.deep.equal([])
    })

    it('more than the rate are counted instead', async () => {
      open({ weir_events_per_second: 5 })
      for (let i = 0; i < 50; i++) send(frame(leaving(a), { from: a.four, to: b.four }, udp(i, 54)))
      const told = (await events()).length
      expect(told).to.be.within(5, 10)
      expect(tally(suppressed)).to.equal(BigInt(50 - told))
    })

    it('what finds the ring full is counted', () => {
      open({ weir_events_per_second: 100_000 }, { weir_events: 4096 })
      const denied = frame(leaving(a), { from: a.four, to: b.four }, udp(1, 54))
      machine.flood('weir_from_endpoint', denied, machine.ifindex.a, 20_000)
      // How many depends on the reader, which makes room meanwhile.
      expect(tally(lost) > 0n).to.equal(true)
    })

    it('with weir_trace every packet that passes is told', async () => {
      open({ weir_trace: 1 })
      const syn = frame(leaving(a), { from: a.four, to: outside.four }, tcp(4000, 80, flags.syn))
      send(syn)
      send(syn)
      expect((await events()).map(({ kind: what }) => what)).to.deep.equal([1, 3, 3])
    })
  })
}
