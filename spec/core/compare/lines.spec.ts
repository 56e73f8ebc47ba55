import { compareStates, Engine, type EventBody } from '@weir/core'
import type { FlowChange } from '@weir/core/compare/lines.js'
import { outcomeText } from '@weir/core/compare/outcome.js'
import { partyText } from '@weir/core/compare/parties.js'
import { keyRanges, portsText } from '@weir/core/compare/port-text.js'
import { packetKey } from '@weir/core/verdict/intervals.js'
import { expect } from 'chai'
import { agent, ipBlock, is, namespace, node, pod, pods, policy, Scene, tcp } from '../log.js'

/** Two pods of `a/web` on two nodes, `a/db`, `b/api`. */
function shop(): Scene {
  const scene = new Scene()
  scene.apply(
    agent(),
    node('here', ['192.168.0.1']),
    node('there', ['192.168.0.2']),
    namespace('a', { team: 'x' }),
    namespace('b', {}),
    pod('a/web-1', { app: 'web' }, '10.0.0.1', { workload: 'Deployment/web' }),
    pod('a/web-2', { app: 'web' }, '10.0.0.2', { workload: 'Deployment/web', node: 'there' }),
    pod('a/db', { app: 'db' }, ['10.0.0.3', 'fd00::3']),
    pod('b/api', { app: 'api' }, '10.0.0.4'),
  )
  return scene
}

function changes(...more: readonly EventBody[]): readonly FlowChange[] {
  const scene = shop()
  const before = Engine.restore(structuredClone(scene.engine.snapshot()))
  scene.apply(...more)
  return compareStates(before, scene.engine).changes
}

const line = ({ change, from, to, families, ports }: FlowChange): string =>
  `${from.map(partyText).join(', ')} → ${to.map(partyText).join(', ')} : ${portsText(ports)} v${families.join('')} ${change}`

const dbFrom = (...peers: NonNullable<Parameters<typeof policy>[1]['ingress']>[number]['peers'][number][]) =>
  policy('db', { podSelector: [is('app', 'db')], ingress: [{ peers, ports: [tcp(5432)] }] })

describe('compare: lines', () => {
  it('tell by workload who loses what, and by which policy', () => {
    const found = changes(dbFrom(pods(is('app', 'web'))))
    expect(found.map(line)).to.deep.equal(
      [
        'world → a/db : any v46 newly-denied',
        'a/web → a/db : any but tcp/5432 v4 newly-denied',
        'b/api, remote-node → a/db : any v4 newly-denied',
      ]
        .sort()
        .concat(
          'a/db → pods with app In (db), io.kubernetes.pod.namespace In (a) (besides a/db) : any v46 newly-denied',
        ),
    )
    const web = found.find(each => partyText(each.from[0]!) === 'a/web')!
    expect(web.from[0]!.pods).to.deep.equal(['a/web-1', 'a/web-2'])
    expect(outcomeText(web.before)).to.equal('no policy isolates either end')
    expect(outcomeText(web.after)).to.equal('default deny (ingress) of NetworkPolicy a/db')
  })

  it('name pods one by one where their workload is divided', () => {
    const [first] = changes(
      policy('two', { podSelector: [is('pod', 'two')] }),
      pod('a/web-2', { app: 'web', pod: 'two' }, '10.0.0.2', { workload: 'Deployment/web', node: 'there' }),
    )
    expect(first!.to.map(partyText)).to.deep.equal(['a/web-2'])
  })

  it('name pods that are not there by their selector, in each namespace that it can mean', () => {
    const base = [dbFrom(pods(is('app', 'web')))]
    const scene = shop()
    scene.apply(...base)
    const before = Engine.restore(structuredClone(scene.engine.snapshot()))
    scene.apply(dbFrom(pods(is('app', 'web')), pods(is('app', 'gone'))))
    expect(compareStates(before, scene.engine).changes.map(line)).to.deep.equal([
      'pods with app In (gone), io.kubernetes.pod.namespace In (a) (none now) → a/db : tcp/5432 v46 newly-allowed',
    ])
  })

  it('tell what a pod gains by another label, though no rule changes', () => {
    const scene = shop()
    scene.apply(dbFrom(pods(is('app', 'web'))))
    const before = Engine.restore(structuredClone(scene.engine.snapshot()))
    scene.apply(pod('a/other', {}, '10.0.0.7'))
    const between = Engine.restore(structuredClone(scene.engine.snapshot()))
    expect(compareStates(before, scene.engine)).to.deep.equal({ changes: [], uncovered: [] })
    scene.apply(pod('a/other', { app: 'web' }, '10.0.0.7'))
    expect(compareStates(between, scene.engine).changes.map(line)).to.deep.equal([
      'a/other → a/db : tcp/5432 v4 newly-allowed',
    ])
  })

  it('name prefixes, without what longer ones and pods take of them', () => {
    const scene = shop()
    scene.apply(dbFrom(pods(is('app', 'web'))))
    const before = Engine.restore(structuredClone(scene.engine.snapshot()))
    scene.apply(dbFrom(pods(is('app', 'web')), ipBlock('203.0.113.0/24', '203.0.113.0/25'), ipBlock('10.0.0.4/32')))
    expect(compareStates(before, scene.engine).changes.map(line)).to.deep.equal([
      '203.0.113.0/24 except 203.0.113.0/25, b/api → a/db : tcp/5432 v4 newly-allowed',
    ])
  })

  it('name a block with all that lies in it once, and what is left of it by what is not', () => {
    const told = (allowed: readonly ReturnType<typeof ipBlock>[], ...more: readonly EventBody[]) => {
      const scene = shop()
      scene.apply(dbFrom(pods(is('app', 'web'))), ...more)
      const before = Engine.restore(structuredClone(scene.engine.snapshot()))
      scene.apply(dbFrom(pods(is('app', 'web')), ...allowed))
      return compareStates(before, scene.engine).changes.flatMap(({ from }) => from.map(partyText))
    }
    // Another policy names blocks within, for pods of its own.
    const within = ['192.0.2.0/25', '192.0.2.0/26', '192.0.2.0/27'].map(cidr => ipBlock(cidr))
    const other = policy('other', { podSelector: [is('app', 'web')], ingress: [{ peers: within, ports: [] }] })
    expect(told([ipBlock('192.0.2.0/24')], other)).deep.equals(['192.0.2.0/24'])
    expect(told([ipBlock('192.0.2.0/25', '192.0.2.0/26')], other)).deep.equals(['192.0.2.0/25 except 192.0.2.0/26'])
    expect(told([ipBlock('192.0.2.0/24', '192.0.2.0/26')], other)).deep.equals(['192.0.2.0/24 except 192.0.2.0/26'])
    const inner = [ipBlock('192.0.2.0/24', '192.0.2.0/26'), ipBlock('192.0.2.0/27')]
    expect(told(inner, other)).deep.equals(['192.0.2.0/24 except 192.0.2.0/26', '192.0.2.0/27'])
    const halves = policy('halves', {
      podSelector: [is('app', 'web')],
      ingress: [{ peers: [ipBlock('192.0.2.0/25'), ipBlock('192.0.2.128/25')], ports: [] }],
    })
    expect(
      told([ipBlock('192.0.0.0/16', '192.0.2.0/25'), ipBlock('192.0.2.0/24', '192.0.2.0/25')], halves),
    ).deep.equals(['192.0.0.0/16 except 192.0.2.0/25'])
  })

  it('count the blocks that are left out where there are many', () => {
    const except = Array.from({ length: 14 }, (_, at) => `192.0.2.${at}/32`)
    const party = { kind: 'world', name: '192.0.2.0/24', pods: [] } as const
    expect(partyText({ ...party, except })).equals(
      `192.0.2.0/24 except ${except.slice(0, 12).join(', ')} and 2 more blocks`,
    )
  })

  it('say of pods in one state only what policies change for them', () => {
    const added = pod('b/new', { app: 'new' }, '10.0.0.9')
    expect(changes(added)).to.deep.equal([])
    const found = changes(added, policy('new', { namespace: 'b', podSelector: [is('app', 'new')] }))
    const whom = new Set(found.map(({ to }) => to.map(partyText).join()))
    expect([...whom]).to.have.members([
      'b/new (only after)',
      'pods with app In (new), io.kubernetes.pod.namespace In (b) (besides b/new)',
    ])
    expect(found).to.not.be.empty
  })

  it('take a pod whose interface is here to run here, also before it is known which node this is', () => {
    const scene = new Scene()
    scene.apply(
      node('there', ['192.168.0.2']),
      pod('a/web', { app: 'web' }, '10.0.0.1', { node: 'there' }),
      policy('closed', { podSelector: [] }),
    )
    const before = Engine.restore(structuredClone(scene.engine.snapshot()))
    scene.apply({
      kind: 'endpoint.attached',
      endpoint: { namespace: 'a', pod: 'web', ifindex: 2, ifname: 'w2', hostMac: '', podMac: '' },
    })
    expect(compareStates(before, scene.engine).changes.map(line)).to.deep.equal([
      'remote-node there → a/web : any v4 newly-denied',
    ])
  })

  it('tell the ports of a set or of its rest, whichever is shorter', () => {
    const text = (...keys: number[]): string => portsText(keyRanges(keys))
    const all = 0x00ffffff
    expect(text(0, all)).to.equal('any')
    expect(text(packetKey(6, 80), packetKey(6, 90))).to.equal('tcp/80-90')
    expect(text(packetKey(6, 0), packetKey(6, 65535), packetKey(17, 53), packetKey(17, 53))).to.equal('tcp/*, udp/53')
    expect(text(0, packetKey(6, 79), packetKey(6, 81), all)).to.equal('any but tcp/80')
    expect(text(packetKey(1, 0x800), packetKey(1, 0x8ff))).to.equal('icmp/type 8')
    expect(text(packetKey(6, 65535), packetKey(17, 0))).to.equal('tcp/65535, protocols 7-16, udp/0')
    expect(text(packetKey(47, 0), packetKey(47, 65535))).to.equal('protocol 47')
  })
})
