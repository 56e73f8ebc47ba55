import { Engine, type EventBody } from '@weir/core'
import type { WeirEvent } from '@weir/core/event/event.js'
import { FlowFollower } from '@weir/core/history/flow-follower.js'
import { isAllowedAlike, isCausedAlike, judge, type Judgement } from '@weir/core/history/judgement.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { interestingFlows } from '../../oracle/generate/flows.js'
import { type Batches, histories, numbered } from '../../oracle/generate/history.js'
import { mixedHistories } from '../../oracle/generate/mixed.js'
import { sampling } from '../../oracle/generate/seed.js'
import { clusterOf } from '../../oracle/index.js'
import { agent, ipBlock, is, Log, namespace, noPod, noPolicy, pod, pods, policy, tcp } from '../log.js'

const textOf = (flow: { from: string; to: string; protocol: number; port: number }): string =>
  `${flow.from} ${flow.to} ${flow.protocol} ${flow.port}`

/** Flows as they are asked about at some point of a history, and at its end. */
function flowsOf(events: readonly WeirEvent[], salt: number) {
  const half = clusterOf(events.slice(0, Math.ceil(events.length / 2)))
  const flows = [...interestingFlows(half, 20, salt), ...interestingFlows(clusterOf(events), 20, salt)]
  return [...new Map(flows.map(flow => [textOf(flow), flow])).values()]
}

/** Follows flows, and explains each of them after every event beside. */
function checkTurns(batches: Batches, salt: number): void {
  const events = numbered(batches.flat())
  const flows = flowsOf(events, salt)
  const engine = new Engine()
  const follower = new FlowFollower(engine)
  const naive = new Engine()
  const last = new Map<string, Judgement>()
  for (const flow of flows) follower.follow(textOf(flow), flow)
  follower.turns()
  for (const flow of flows) last.set(textOf(flow), judge(naive, flow))
  for (const event of events) {
    engine.fold([event])
    naive.fold([event])
    follower.observe(event)
    const told = follower.turns().map(({ key, changes }) => `${changes} ${key}`)
    const expected = flows.flatMap(flow => {
      const key = textOf(flow)
      const [before, after] = [last.get(key)!, judge(naive, flow)]
      last.set(key, after)
      if (!isAllowedAlike(before, after)) return [`verdict ${key}`]
      return isCausedAlike(before, after) ? [] : [`cause ${key}`]
    })
    expect(told, `event ${event.seq} ${event.kind}`).has.members(expected)
  }
}

/** Events one by one, and what became of flows at each: `2 verdict web-db`. */
class Story {
  readonly log = new Log()
  readonly engine = new Engine()
  readonly follower = new FlowFollower(this.engine)

  tell(...bodies: readonly EventBody[]): readonly string[] {
    return this.log.add(...bodies).flatMap(event => {
      this.engine.fold([event])
      this.follower.observe(event)
      return this.follower.turns().map(({ key, changes }) => `${event.seq} ${changes} ${key}`)
    })
  }
}

const webToDb = { from: '10.0.0.1', to: '10.0.0.2', protocol: 6, port: 80 }

function twoPods(): Story {
  const story = new Story()
  story.tell(agent(), pod('a/web', { app: 'web' }, '10.0.0.1'), pod('a/db', { app: 'db' }, '10.0.0.2'))
  story.follower.follow('web-db', webToDb)
  story.follower.turns()
  return story
}

describe('following flows through a log', function () {
  this.timeout(120_000)

  it('tells what explaining after every event tells', () => {
    fc.assert(fc.property(histories(30), fc.nat(1000), checkTurns), sampling('flows followed', 150))
  })

  it('does so in clusters that speak every dialect', () => {
    fc.assert(fc.property(mixedHistories(30), fc.nat(1000), checkTurns), sampling('flows followed, all dialects', 150))
  })

  it('tells a change of verdict from one of the rule that decides', () => {
    const story = twoPods()
    const allowing = policy('allow', { ingress: [{ peers: [pods(is('app', 'web'))], ports: [] }] })
    expect(story.tell(policy('isolate', {}))).deep.equals(['4 verdict web-db'])
    expect(story.tell(allowing)).deep.equals(['5 verdict web-db'])
    const other = policy('able', { ingress: [{ peers: [ipBlock('192.0.2.0/24')], ports: [] }] })
    expect(story.tell(other), 'one that allows somebody else').deep.equals([])
    const third = policy('zzz', { ingress: [{ peers: [pods()], ports: [] }] })
    expect(story.tell(third)).deep.equals([])
    expect(story.tell(noPolicy('allow'))).deep.equals(['8 cause web-db'])
    expect(story.tell(noPolicy('zzz'))).deep.equals(['9 verdict web-db'])
  })

  it('says what decided just before, whatever was said meanwhile', () => {
    const story = twoPods()
    story.tell(policy('isolate', {}), policy('x', { ingress: [{ peers: [pods()], ports: [] }] }))
    story.tell(policy('y', { ingress: [{ peers: [pods()], ports: [] }] }), noPolicy('x'))
    const [event] = story.log.add(noPolicy('y'))
    story.engine.fold([event!])
    story.follower.observe(event!)
    const [turn] = story.follower.turns()
    expect(turn?.before?.[0]?.explanation.ingress.decidedBy?.origin.policy).equals('NetworkPolicy a/y')
    expect(turn?.after?.[0]?.explanation.ingress.reason).equals('default-deny')
  })

  it('judges only what an event has a bearing on', () => {
    const story = twoPods()
    const { judged } = story.follower
    story.tell(
      pod('a/other', { app: 'other' }, '10.0.0.3'),
      policy('of-others', { podSelector: [is('app', 'other')] }),
      namespace('b', {}),
      noPod('a/other'),
      { kind: 'time.passed', until: 5000 },
      { kind: 'dns.answered', answer: { name: 'x.example', addresses: ['192.0.2.1'], ttlSeconds: 9 } },
    )
    expect(story.follower.judged).equals(judged)
    story.tell(policy('of-db', { podSelector: [is('app', 'db')] }))
    expect(story.follower.judged).equals(judged + 1)
  })

  it('judges nothing anew for labels that no rule asks for, and knows them once one does', () => {
    const story = twoPods()
    story.tell(policy('isolate', {}), policy('web', { ingress: [{ peers: [pods(is('app', 'web'))], ports: [] }] }))
    const relabel = (version: string) => {
      const web = pod('a/web', { app: 'web', version }, '10.0.0.1')
      expect(story.tell(pod('a/db', { app: 'db', version }, '10.0.0.2'), web)).deep.equals([])
    }
    relabel('v1')
    const { judged } = story.follower
    relabel('v2')
    expect(story.follower.judged).equals(judged)
    const shut = policy('web', { ingress: [{ peers: [pods(is('version', 'v1'))], ports: [] }] })
    expect(story.tell(shut)).deep.equals(['10 verdict web-db'])
    const egress = { policyTypes: ['egress'], egress: [{ peers: [], ports: [] }] } as const
    expect(story.tell(policy('open', { ingress: [{ peers: [], ports: [] }] }))).deep.equals(['11 verdict web-db'])
    const ofVersion = policy('of-version', { podSelector: [is('version', 'v2')], ...egress })
    expect(story.tell(ofVersion), 'whom it has selected since').deep.equals(['12 cause web-db'])
  })

  it('knows that a pod lost a label that rules ask for only since it was looked at', () => {
    const story = twoPods()
    story.tell(pod('a/web', { app: 'web', tier: 'front' }, '10.0.0.1'))
    const front = policy('front', { ingress: [{ peers: [pods(is('tier', 'front'))], ports: [] }] })
    expect(story.tell(policy('isolate', {}), front)).deep.equals(['5 verdict web-db', '6 verdict web-db'])
    expect(story.tell(pod('a/web', { app: 'web' }, '10.0.0.1'))).deep.equals(['7 verdict web-db'])
  })

  it('judges flows of one kind once', () => {
    const story = new Story()
    story.tell(agent(), pod('a/db', { app: 'db' }, '10.0.0.1'), policy('isolate', { podSelector: [is('app', 'db')] }))
    const clients = Array.from({ length: 20 }, (_, number) => `10.0.1.${number}`)
    for (const address of clients) {
      story.tell(pod(`a/web-${address}`, { app: 'web' }, address))
      story.follower.follow(address, { ...webToDb, from: address, to: '10.0.0.1' })
    }
    const sides = new Set(story.follower.turns().map(({ after }) => after?.[0]?.explanation.ingress))
    expect(sides.size).equals(1)
  })

  it('tells of a flow that begins and ends, and of one that goes on with another address', () => {
    const story = twoPods()
    story.follower.unfollow('web-db')
    const [gone] = story.follower.turns()
    expect(gone).includes({ key: 'web-db', changes: 'verdict' })
    expect(gone?.after).equals(undefined)
    story.follower.follow('web-db', webToDb)
    const [come] = story.follower.turns()
    expect(come?.before).equals(undefined)
    story.engine.fold(story.log.add(pod('a/web', { app: 'web' }, '10.0.0.9')))
    story.follower.unfollow('web-db')
    story.follower.follow('web-db', { ...webToDb, from: '10.0.0.9' })
    expect(story.follower.turns()).deep.equals([])
    expect(story.tell(policy('isolate', {}))).deep.equals(['5 verdict web-db'])
  })

  it('follows the services and names that policies speak of', () => {
    const story = twoPods()
    const service = (app: string): EventBody => ({
      kind: 'service.upserted',
      service: { namespace: 'a', name: 's', type: 'ClusterIP', clusterIps: [], selector: { app }, ports: [] },
    })
    const peers = { kind: 'services', services: [{ kind: 'name', namespace: 'a', name: 's' }] } as const
    story.tell({
      kind: 'ciliumpolicy.upserted',
      policy: {
        kind: 'CiliumNetworkPolicy',
        namespace: 'a',
        name: 'p',
        rules: [
          {
            subject: { kind: 'endpoints', selector: [] },
            path: 'spec',
            enableDefaultDeny: {},
            egress: [{ path: 'spec.egress[0]', peers }],
          },
        ],
      },
    })
    expect(story.tell(service('db'))).deep.equals(['5 verdict web-db'])
    expect(story.tell(service('web'))).deep.equals(['6 verdict web-db'])
    expect(story.tell(service('db'), { kind: 'service.deleted', namespace: 'a', name: 's' })).deep.equals([
      '7 verdict web-db',
      '8 verdict web-db',
    ])
  })

  it('judges the parts of a range', () => {
    const story = twoPods()
    story.follower.follow('range', { ...webToDb, port: 1, lastPort: 100, parts: () => [1, 80, 81] })
    story.follower.turns()
    story.tell(policy('isolate', {}))
    const opened = [tcp(80)]
    const [event] = story.log.add(policy('open', { ingress: [{ peers: [], ports: opened }] }))
    story.engine.fold([event!])
    story.follower.observe(event!)
    const range = story.follower.turns().find(({ key }) => key === 'range')
    const parts = range?.after?.map(part => [part.firstPort, part.lastPort, part.explanation.verdict])
    expect(parts).deep.equals([
      [1, 79, 0],
      [80, 80, 1],
      [81, 100, 0],
    ])
  })
})
