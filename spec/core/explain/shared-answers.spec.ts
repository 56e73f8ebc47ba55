import { Engine, type EventBody, type Requirement, type Verdict, verdicts } from '@weir/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { interestingFlows } from '../../oracle/generate/flows.js'
import { type Batches, histories, numbered } from '../../oracle/generate/history.js'
import { mixedHistories } from '../../oracle/generate/mixed.js'
import { sampling } from '../../oracle/generate/seed.js'
import { clusterOf } from '../../oracle/index.js'
import { agent, ipBlock, is, Log, noPod, noPolicy, pod, pods, policy, tcp } from '../log.js'

/** One engine answers all questions after every event; others are asked one question each and never before. */
function checkShared(batches: Batches, salt: number): void {
  const events = numbered(batches.flat())
  const flows = [...interestingFlows(clusterOf(events), 12, salt)]
  const shared = new Engine()
  events.forEach((event, at) => {
    shared.fold([event])
    const answers = flows.map(flow => shared.explain(flow))
    if ((at + salt) % 7 !== 0 && at !== events.length - 1) return
    flows.forEach((flow, index) => {
      const alone = new Engine()
      alone.fold(events.slice(0, at + 1))
      void alone.tables
      expect(answers[index], `event ${event.seq}`).deep.equals(alone.explain(flow))
    })
  })
}

/** Who is only asked about pods settles no tables; they must come to the same when they are asked for. */
function checkTables(batches: Batches, salt: number): void {
  const events = numbered(batches.flat())
  const flows = [...interestingFlows(clusterOf(events), 12, salt)]
  const [asked, quiet] = [new Engine(), new Engine()]
  events.forEach((event, at) => {
    asked.fold([event])
    quiet.fold([event])
    for (const flow of flows) if ((at + flow.port + salt) % 3 === 0) asked.explain(flow)
    if ((at + salt) % 5 !== 0 && at !== events.length - 1) return
    expect(asked.digest().hex, `event ${event.seq}`).equals(quiet.digest().hex)
    for (const flow of flows) expect(asked.verdict(flow), `event ${event.seq}`).equals(quiet.verdict(flow))
  })
}

/** Facts in, verdicts of port 80 out, and no tables unless they are asked for. */
class Asked {
  readonly log = new Log()
  readonly engine = new Engine()

  constructor(...bodies: readonly EventBody[]) {
    this.tell(agent(), ...bodies)
  }

  tell(...bodies: readonly EventBody[]): void {
    this.engine.fold(this.log.add(...bodies))
  }

  verdict(from: string, to: string, port = 80): Verdict {
    return this.engine.explain({ from, to, protocol: 6, port }).verdict
  }
}

const { allow, deny } = verdicts

describe('answers that flows share', function () {
  this.timeout(180_000)

  it('are those that each flow would have alone', () => {
    fc.assert(fc.property(histories(20), fc.nat(1000), checkShared), sampling('shared answers', 60))
  })

  it('are so in clusters that speak every dialect', () => {
    fc.assert(fc.property(mixedHistories(20), fc.nat(1000), checkShared), sampling('shared answers, all dialects', 60))
  })

  it('leave the tables as they would be without questions', () => {
    fc.assert(fc.property(histories(30), fc.nat(1000), checkTables), sampling('tables after questions', 150))
  })

  it('leave them so in clusters that speak every dialect', () => {
    const many = sampling('tables after questions, all dialects', 150)
    fc.assert(fc.property(mixedHistories(30), fc.nat(1000), checkTables), many)
  })

  it('tell addresses apart where blocks are asked for', () => {
    const inBlock = policy('block', { ingress: [{ peers: [ipBlock('10.0.1.0/24')], ports: [] }] })
    const db = pod('a/db', { app: 'db' }, '10.0.0.1')
    const [one, other] = [pod('a/web-0', { app: 'web' }, '10.0.1.1'), pod('a/web-1', { app: 'web' }, '10.0.2.1')]
    const asked = new Asked(db, one, other, inBlock)
    expect([asked.verdict('10.0.1.1', '10.0.0.1'), asked.verdict('10.0.2.1', '10.0.0.1')]).deep.equals([allow, deny])
  })

  it('follow the addresses of sets', () => {
    const group = (...cidrs: readonly string[]): EventBody => ({
      kind: 'cidrgroup.upserted',
      group: { name: 'g', labels: {}, cidrs },
    })
    const peers = { kind: 'cidrs', cidrs: [{ kind: 'group', name: 'g', except: [] }] } as const
    const asked = new Asked(pod('a/db', { app: 'db' }, '10.0.0.1'), group('192.0.2.0/24'), {
      kind: 'ciliumpolicy.upserted',
      policy: {
        ...{ kind: 'CiliumNetworkPolicy', namespace: 'a', name: 'p' },
        rules: [
          {
            ...{ subject: { kind: 'endpoints', selector: [] }, path: 'spec', enableDefaultDeny: {} },
            ingress: [{ path: 'spec.ingress[0]', peers }],
          },
        ],
      },
    })
    expect(asked.verdict('192.0.2.1', '10.0.0.1')).equals(allow)
    asked.tell(group('198.51.100.0/24'))
    expect(asked.verdict('192.0.2.1', '10.0.0.1')).equals(deny)
  })

  it('tell apart what pods call their ports', () => {
    const named = policy('named', { ingress: [{ peers: [], ports: [tcp('http')] }] })
    const calls = (name: string, address: string, port: number): EventBody =>
      pod(name, { app: 'db' }, address, { ports: [{ name: 'http', protocol: 'TCP', port }] })
    const asked = new Asked(pod('a/web', { app: 'web' }, '10.0.0.9'), named)
    asked.tell(calls('a/db-0', '10.0.0.1', 80), calls('a/db-1', '10.0.0.2', 8080))
    expect([asked.verdict('10.0.0.9', '10.0.0.1'), asked.verdict('10.0.0.9', '10.0.0.2')]).deep.equals([allow, deny])
  })

  it('tell labels apart from when a rule asks for them', () => {
    const web = (version: string, address: string) => pod(`a/web-${version}`, { app: 'web', version }, address)
    const asked = new Asked(pod('a/db', { app: 'db' }, '10.0.0.1'), web('v1', '10.0.0.2'), web('v2', '10.0.0.3'))
    const both = () => [asked.verdict('10.0.0.2', '10.0.0.1'), asked.verdict('10.0.0.3', '10.0.0.1')]
    const from = (...peers: readonly Requirement[]) =>
      policy('p', { podSelector: [is('app', 'db')], ingress: [{ peers: [pods(...peers)], ports: [] }] })
    asked.tell(from(is('app', 'web')))
    expect(both()).deep.equals([allow, allow])
    asked.tell(from(is('version', 'v1')))
    expect(both()).deep.equals([allow, deny])
  })

  it('let go of rules that changed and ended between two looks at the tables', () => {
    const asked = new Asked(pod('a/db', { app: 'db' }, '10.0.0.1'), pod('a/web', { app: 'web' }, '10.0.0.2'))
    const from = (app: string) => policy('p', { ingress: [{ peers: [pods(is('app', app))], ports: [] }] })
    asked.tell(from('web'))
    expect(asked.engine.tables.cells.size).greaterThan(0)
    for (const body of [from('other'), noPolicy('p'), noPod('a/db')]) {
      asked.tell(body)
      asked.verdict('10.0.0.2', '10.0.0.1')
    }
    const fresh = new Engine()
    fresh.apply(asked.log.events)
    expect(asked.engine.digest().hex).equals(fresh.digest().hex)
  })
})
