import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import type { FlowRecord } from '@weir/adapters/agent/protocol.js'
import { flowFilterOf, matchesFlow } from '@weir/adapters/flows/filter.js'
import { eventKinds } from '@weir/datapath/codec/maps.js'
import { expect } from 'chai'
import { pod, smallShop } from '../agent/cluster.js'
import { batchOf, packet, type ToldPacket } from '../flows/records.js'
import { runWeir } from './run.js'

const drop = eventKinds.WEIR_EVENT_DROP!
const web: Partial<ToldPacket> = { source: '10.0.0.2', destination: '10.0.0.3', destinationPort: 8080 }
const db: Partial<ToldPacket> = {
  source: '10.0.0.4',
  destination: '10.0.0.3',
  destinationPort: 8080,
  kind: drop,
  reason: 133,
}

describe('weir observe: flow history', function () {
  this.timeout(60_000)
  const folder = mkdtempSync(join(tmpdir(), 'weir-observe-'))
  const socket = join(folder, 'agent.sock')
  let agent: Agent
  const run = async (words: string) => await runWeir(`observe ${words}`.split(' '))
  const told = async (words: string): Promise<FlowRecord[]> => {
    const { code, out, err } = await run(`${words} -o json --socket ${socket}`)
    expect(err).to.equal('')
    expect(code).to.equal(0)
    return out.map(line => JSON.parse(line) as FlowRecord)
  }
  const ends = (flows: readonly FlowRecord[]): string[] =>
    flows.map(({ source, destination, verdict }) => `${source.pod} ${destination.pod} ${verdict}`)

  before(async () => {
    agent = await createAgent({
      ...{ stateFolder: folder, socketPath: socket, node: 'n1', nodeAddresses: ['10.0.0.1', 'fd00::1'] },
      ...{ backend: 'memory', clock: systemClock, flowHistory: { ageMs: 3_600_000, sizeBytes: 1e9 } },
    })
    await agent.submit(
      'spec',
      smallShop.filter(({ kind }) => kind !== 'agent.configured' && kind !== 'node.upserted'),
    )
    agent.history!.push(batchOf([packet(web), packet({ ...web, sourcePort: 50_000, tcpFlags: 16 }), packet(db)]))
    await agent.history!.flush()
    await agent.submit('spec', [
      { kind: 'networkpolicy.deleted', namespace: 'shop', name: 'cart' },
      { kind: 'pod.deleted', namespace: 'shop', name: 'db' },
      { kind: 'pod.upserted', pod: pod('heir', '10.0.0.4', { labels: { app: 'heir' } }) },
    ])
    agent.history!.push(batchOf([packet({ ...db, kind: eventKinds.WEIR_EVENT_VERDICT!, reason: 0 })]))
    await agent.history!.flush()
    agent.history!.push(
      batchOf([
        packet({
          source: '203.0.113.9',
          sourceIdentity: 9,
          destination: '10.0.0.2',
          destinationPort: 443,
          tcpFlags: 2,
        }),
        packet({ source: 'fd00::2', destination: 'fd00::3', protocol: 58, icmpType: 128, destinationPort: 0 }),
        packet({ source: '10.0.0.3', destination: '10.0.0.2', isReply: 1, sourcePort: 8080, kind: drop, reason: 135 }),
      ]),
    )
  })

  after(async () => {
    await agent.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('has the names and rules of the time of each flow', async () => {
    const flows = await told('--since 1h')
    expect(ends(flows).slice(0, 3)).to.deep.equal(['web cart allowed', 'db cart denied', 'heir cart allowed'])
    const [first, denied, later] = flows as [FlowRecord, FlowRecord, FlowRecord]
    expect(first).to.deep.include({ packets: 2, sizeBytes: 120, detail: 'SYN ACK', protocol: 'TCP' })
    expect(first.causes).to.deep.equal(['NetworkPolicy shop/cart spec.ingress[0]'])
    expect(first.source, 'any port of the one who opened it').not.to.have.property('port')
    expect(first.destination.port).to.equal(8080)
    expect(denied.reason).to.equal('Policy denied')
    expect(denied.causes).to.deep.equal(['default deny (ingress) by NetworkPolicy shop/cart'])
    expect(later.causes).to.deep.equal(['no policy isolates either end'])
    expect(later.seq).to.be.greaterThan(denied.seq!)
  })

  it('ends the window first, so that nothing is missing', async () => {
    expect(await told('--since 1h')).to.have.length(6)
  })

  it('finds flows by everything that it is asked for', async () => {
    const all = await told('--since 1h')
    const count = (words: string): number => {
      const filter = flowFilterOf(
        words
          .slice(2)
          .split(' --')
          .map((option): [string, string] => {
            const [name = '', word = ''] = option.split(' ')
            return [name, word]
          }),
      )
      return all.filter(flow => matchesFlow(flow, filter)).length
    }
    const counts: Readonly<Record<string, number>> = {
      '--pod db': 1,
      '--pod shop/h*': 1,
      '--from-pod cart': 1,
      '--to-pod cart': 4,
      '--pod cart --pod heir --not-from-pod web': 3,
      '--label app=heir': 1,
      '--from-label k8s:app=web': 2,
      '--to-label app!=cart': 2,
      '--from-ip 203.0.113.0/24': 1,
      '--ip 10.0.0.4': 2,
      '--from-namespace shop': 5,
      '--namespace other': 0,
      '--port 8080': 4,
      '--from-port 8080': 1,
      '--to-port 443': 1,
      '--protocol ICMPv6': 1,
      '--protocol 58': 1,
      '--protocol 6': 5,
      '--protocol tcp': 5,
      '--protocol ICMPv4': 0,
      '--identity world-ipv4': 1,
      '--verdict denied': 1,
      '--verdict dropped': 1,
      '--verdict DROPPED': 2,
      '--verdict FORWARDED': 4,
      '--drop-reason-desc POLICY_DENIED': 1,
      '--type drop': 2,
      '--identity 9': 1,
      '--traffic-direction ingress': 6,
      '--traffic-direction egress': 0,
      '--tcp-flags SYN,ACK': 1,
      '--ip-version v6': 1,
    }
    for (const [words, expected] of Object.entries(counts)) expect(count(words), words).to.equal(expected)
    expect(await told('--since 1h --ipv4 --not --verdict allowed')).to.have.length(2)
    expect(await told('--first 2')).to.have.length(2)
    expect(await told('--until 1h')).to.have.length(0)
    expect(ends(await told('--until 0s --last 1 --to-pod cart --ipv4')), 'the newest of them').to.deep.equal([
      'heir cart allowed',
    ])
  })

  it('says what of a filter it does not understand', async () => {
    for (const words of [
      ...['--port x', '--verdict maybe', '--ip 10.0.0.0/33', '--tcp-flags SIN', '--type l9', '--protocol TPC'],
      ...[
        '--protocol 256',
        '--identity hots',
        '--label app=web,',
        '--label (web,cart)',
        '--drop-reason-desc POLICY_DENID',
      ],
      ...['--not', '--pod web --not', '--not --not --pod web', '--until 2h', '--follow --log .', '--follow --until 1m'],
    ])
      expect((await run(`--since 1h ${words} --socket ${socket}`)).code, words).to.equal(2)
    expect((await run(`--since yesterday --socket ${socket}`)).code).to.equal(2)
  })

  it('says that there is none, and that none were kept', async () => {
    const none = await run(`--since 1h --namespace other --socket ${socket}`)
    expect([none.code, none.err]).to.deep.equal([0, 'weir: no flow like that is recorded of this time'])
    const alone = mkdtempSync(join(tmpdir(), 'weir-no-flows-'))
    try {
      cpSync(join(folder, 'log'), join(alone, 'log'), { recursive: true })
      for (const command of ['observe', 'flows top', 'suggest shop/web', 'what-if --since 1h --delete pod/shop/web']) {
        const { code, err } = await runWeir([...command.split(' '), '--log', alone])
        expect([code, err.split(':')[1]], command).to.deep.equal([5, ' no flows were kept beside this log'])
      }
    } finally {
      rmSync(alone, { recursive: true, force: true })
    }
  })

  it('filters live flows alike', async () => {
    const { code } = await run(`--no-follow --last 9 --port x --socket ${socket}`)
    expect(code).to.equal(2)
    expect((await run(`--no-follow --last 9 --pod web --not --port 80 --socket ${socket}`)).code).to.equal(0)
  })

  it('shows tables, fields and lines', async () => {
    const table = await run(`--since 1h -o table --socket ${socket}`)
    expect(table.out[0]).to.match(/^TIMESTAMP +SOURCE +DESTINATION/)
    expect(table.out).to.have.length(7)
    const [line] = (await run(`--since 1h --first 1 --socket ${socket}`)).out
    expect(line).to.include('shop/web → shop/cart:8080 TCP SYN ACK ×2  allowed')
  })

  it('needs no agent for a copy of its folder', async () => {
    await agent.history!.flush()
    const { out, code } = await run(`--log ${folder} --since 1h --verdict denied -o json`)
    expect(code).to.equal(0)
    expect(ends(out.map(line => JSON.parse(line) as FlowRecord))).to.deep.equal(['db cart denied'])
  })

  it('tells in the status what history has', async () => {
    const { flows } = await agent.status()
    expect(flows.history).to.include({ packets: 7, lostPackets: 0, rows: 6 })
  })
})
