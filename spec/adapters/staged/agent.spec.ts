import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import type { FlowRecord, StagedFlows } from '@weir/adapters/agent/protocol.js'
import type { PacketReport } from '@weir/adapters/flows/namer.js'
import type { PastJudgement } from '@weir/adapters/flows/what-if.js'
import { eventKinds } from '@weir/datapath/codec/maps.js'
import { expect } from 'chai'
import { allow, pod, smallShop } from '../agent/cluster.js'
import { runWeir } from '../cli/run.js'
import { batchOf, packet } from '../flows/records.js'

const endpoint = (name: string, ifindex: number) => ({
  ...{ namespace: 'shop', pod: name, ifindex, ifname: `veth${ifindex}` },
  ...{ hostMac: '02:00:00:00:00:01', podMac: '02:00:00:00:00:02' },
})
const report = (source: string, destination: string, given: Partial<PacketReport> = {}): PacketReport => ({
  ...{ verdict: 'allowed', reason: '', protocol: 6, family: 4, source, destination },
  ...{ sourcePort: 40_000, destinationPort: 8080, sourceIdentity: 0, destinationIdentity: 0, tcpFlags: 2 },
  ...{ icmpType: 0, icmpCode: 0, isReply: false, direction: 'ingress', sizeBytes: 60 },
  ...given,
})
const [web, cart, db] = ['10.0.0.2', '10.0.0.3', '10.0.0.4'] as const
/** Of the cart: db may, and web may no more once it is alone. */
const dbAlone = { ...allow('db-alone', 'cart', 'db', 8080), staged: true as const }
/** Of web, whom nobody isolates. */
const nobody = { ...allow('nobody', 'web', 'nobody', 1), staged: true as const }

describe('staged policies of a running agent', function () {
  this.timeout(60_000)
  let folder: string
  let socket: string
  let agent: Agent
  const run = (words: string) => runWeir([...words.split(' '), '--socket', socket])
  const told = async (): Promise<StagedFlows> => JSON.parse((await run('flows staged -o json')).out[0]!) as StagedFlows

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weir-staged-'))
    socket = join(folder, 'agent.sock')
    agent = await createAgent({
      ...{ stateFolder: folder, socketPath: socket, node: 'n1', nodeAddresses: ['10.0.0.1', 'fd00::1'] },
      ...{ backend: 'memory', clock: systemClock, flowHistory: { ageMs: 3_600_000, sizeBytes: 1e9 } },
    })
    await agent.submit(
      'spec',
      smallShop.filter(({ kind }) => kind !== 'agent.configured' && kind !== 'node.upserted'),
    )
    for (const [name, ifindex] of [
      ['web', 5],
      ['cart', 6],
      ['db', 7],
    ] as const)
      await agent.attachEndpoint(endpoint(name, ifindex))
  })
  afterEach(async () => {
    await agent.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('enforce nothing, and count what they would change, by ends and port', async () => {
    const before = agent.engine.digest()
    await agent.submit('spec', [
      { kind: 'networkpolicy.upserted', policy: dbAlone },
      { kind: 'networkpolicy.upserted', policy: nobody },
    ])
    expect(agent.engine.digest()).to.deep.equal(before)
    agent.flows.add(report(web, cart))
    agent.flows.add(report(web, cart, { sourcePort: 40_001 }))
    agent.flows.add(report(db, cart, { verdict: 'denied', reason: 'Policy denied' }))
    agent.flows.add(report(cart, web))
    agent.flows.add(report(cart, web, { protocol: 1, icmpType: 8 }))
    agent.flows.add(report(cart, db))
    const view = await told()
    expect(view.policies.map(({ policy }) => policy)).to.deep.equal([
      'NetworkPolicy shop/db-alone',
      'NetworkPolicy shop/nobody',
    ])
    const shown = view.changes.map(({ change, from, to, protocol, port, detail, packets }) =>
      [change, from, to, protocol, port ?? detail, packets].join(' '),
    )
    expect(shown.sort()).to.deep.equal([
      'newly-allowed shop/db shop/cart TCP 8080 1',
      'newly-denied shop/cart shop/web ICMP type 8 code 0 1',
      'newly-denied shop/cart shop/web TCP 8080 1',
    ])
    const lines = (await run('flows staged')).out
    expect(lines[0]).to.match(/^WOULD +FROM +TO +PORT +PACKETS +LAST SEEN +BY$/)
    expect(lines.join('\n')).to.match(
      /deny +shop\/cart +shop\/web +8080\/TCP +1 +\S+ +default deny \(ingress\) by NetworkPolicy shop\/nobody/,
    )
    expect(lines.at(-1)).to.match(/^ {2}NetworkPolicy shop\/nobody \(event \d+\)$/)
    expect((await run('flows staged --fail-on newly-denied')).code).to.equal(1)
    expect((await run('flows staged')).code).to.equal(0)
  })

  it('count nothing of replies, of what is no matter of policy, and of packets judged by what was before', async () => {
    await agent.submit('spec', [{ kind: 'networkpolicy.upserted', policy: nobody }])
    agent.flows.add(report(web, cart, { isReply: true, sourcePort: 8080 }))
    agent.flows.add(report(cart, web, { verdict: 'dropped', reason: 'Invalid packet' }))
    agent.flows.add(report(cart, web, { verdict: 'denied', reason: 'Policy denied' }))
    expect((await told()).changes).to.deep.equal([])
    expect((await run('flows staged --fail-on any')).code).to.equal(0)
  })

  it('are told beside each flow that they would judge otherwise, and by why', async () => {
    await agent.submit('spec', [{ kind: 'networkpolicy.upserted', policy: dbAlone }])
    agent.flows.add(report(db, cart, { verdict: 'denied', reason: 'Policy denied' }))
    agent.flows.add(report(web, cart))
    const { out } = await run('observe --no-follow --last 9')
    expect(out).to.have.length(3)
    expect(out[1]).to.equal('              staged policies would allow it: NetworkPolicy shop/db-alone spec.ingress[0]')
    const [flow] = (await run('observe --no-follow --last 9 -o json')).out.map(line => JSON.parse(line) as FlowRecord)
    expect(flow?.staged?.change).to.equal('newly-allowed')
    const dict = (await run('observe --no-follow --last 9 -o dict')).out
    expect(dict.filter(line => line.startsWith('staged:'))).to.have.length(1)
    const why = (await run('why db cart:8080')).out
    expect(why).to.include('  staged policies would allow it: NetworkPolicy shop/db-alone spec.ingress[0]')
    expect((await run('why web cart:8080')).out.join('\n')).not.to.include('staged')
    // A range falls apart where only staged rules tell its ports apart.
    const ranges = (await run('why db cart:8079-8081')).out.filter(line => line.startsWith('shop/db'))
    expect(ranges).to.have.length(3)
    const offline = await runWeir(['why', '--log', folder, 'db', 'cart:8080'])
    expect(offline.out).to.include('  staged policies would allow it: NetworkPolicy shop/db-alone spec.ingress[0]')
  })

  it('follow what happens to the cluster, and begin to count anew when something else is staged', async () => {
    await agent.submit('spec', [{ kind: 'networkpolicy.upserted', policy: nobody }])
    agent.flows.add(report(cart, web))
    await agent.submit('spec', [{ kind: 'pod.upserted', pod: pod('web', web, { labels: { app: 'free' } }) }])
    agent.flows.add(report(cart, web))
    expect((await told()).changes.map(({ packets }) => packets)).to.deep.equal([1])
    await agent.submit('spec', [{ kind: 'pod.upserted', pod: pod('web', web) }])
    agent.flows.add(report(cart, web))
    const counted = await told()
    expect(counted.changes.map(({ packets }) => packets)).to.deep.equal([2])
    await agent.submit('spec', [{ kind: 'networkpolicy.upserted', policy: dbAlone }])
    const anew = await told()
    expect(anew.changes).to.deep.equal([])
    expect(anew.sinceMs).to.be.at.least(counted.sinceMs)
    const { staged: _, ...enforced } = nobody
    await agent.submit('spec', [{ kind: 'networkpolicy.upserted', policy: enforced }])
    agent.flows.add(report(cart, web, { verdict: 'denied', reason: 'Policy denied' }))
    expect((await told()).changes).to.deep.equal([])
    await agent.submit('spec', [{ kind: 'networkpolicy.deleted', namespace: 'shop', name: 'db-alone' }])
    expect((await run('flows staged')).out).to.deep.equal(['no policy is staged'])
    expect(agent.staged.engine).to.equal(undefined)
  })

  it('are what what-if tries with --staged, on recorded flows too', async () => {
    expect((await run('what-if --staged')).code, 'nothing is staged').to.equal(2)
    await agent.submit('spec', [{ kind: 'networkpolicy.upserted', policy: nobody }])
    agent.history!.push(batchOf([packet({ source: cart, destination: web, destinationPort: 443 })]))
    agent.history!.push(
      batchOf([packet({ source: db, destination: cart, kind: eventKinds.WEIR_EVENT_DROP!, reason: 133 })]),
    )
    const { out, code } = await run('what-if --staged --since 1h --fail-on newly-denied -o json')
    expect(code).to.equal(1)
    const { changes, recorded } = JSON.parse(out[0]!) as { changes: unknown[]; recorded: PastJudgement }
    expect(changes).not.to.have.length(0)
    expect(recorded.flows).to.equal(2)
    expect(recorded.changes.map(({ change, from, to, port }) => [change, from, to, port])).to.deep.equal([
      ['newly-denied', 'shop/cart', 'shop/web', 443],
    ])
  })

  it('are staged again after a restart', async () => {
    await agent.submit('spec', [{ kind: 'networkpolicy.upserted', policy: nobody }])
    const digest = agent.engine.digest()
    await agent.stop()
    agent = await createAgent({
      ...{ stateFolder: folder, socketPath: socket, node: 'n1', nodeAddresses: ['10.0.0.1', 'fd00::1'] },
      ...{ backend: 'memory', clock: systemClock },
    })
    expect(agent.engine.digest()).to.deep.equal(digest)
    agent.flows.add(report(cart, web))
    expect((await told()).changes).to.have.length(1)
    expect((await run('get policies')).out.join('\n')).to.match(/NetworkPolicy +shop +nobody +STAGED/)
  })
})
