import { expect } from 'chai'
import type { TablesDelta } from '@weir/core'
import { agent, ipBlock, is, namespace, noPod, noPolicy, pod, pods, policy, Scene, tcp } from '../log.js'

/** Rows changed per table, in the order addresses, prefixes, endpoints, cells, rows. */
const sizes = (delta: TablesDelta): number[] =>
  [delta.addresses, delta.prefixes, delta.endpoints, delta.cells, delta.rows].map(changes => changes.length)

const remote = { node: 'there' }
const allowFrom = (...apps: readonly string[]) => [{ peers: apps.map(app => pods(is('app', app))), ports: [tcp(80)] }]

/** `count` remote clients in 10.1.0.0/16 and one local web, which takes clients. */
function crowd(count: number): Scene {
  const scene = new Scene()
  const clients = Array.from({ length: count }, (_, i) =>
    pod(`a/c${i}`, { app: 'client', zone: `z${i % 2}` }, `10.1.${i >> 8}.${i & 255}`, remote),
  )
  scene.apply(
    agent(),
    ...clients,
    pod('a/web', { app: 'web' }, '10.0.0.1'),
    policy('p', { podSelector: [is('app', 'web')], ingress: allowFrom('client') }),
  )
  return scene
}

describe('peer classes', () => {
  for (const count of [10, 1000]) {
    it(`cost a pod of a known class its own address row, among ${count} pods`, () => {
      const scene = crowd(count)
      expect(sizes(scene.apply(pod('a/new', { app: 'client', zone: 'z0' }, '10.2.0.1', remote)))).to.deep.equal([
        1, 0, 0, 0, 0,
      ])
      expect(scene.classOf('10.2.0.1')).to.equal(scene.classOf('10.1.0.0'))
      expect(sizes(scene.apply(noPod('a/new')))).to.deep.equal([1, 0, 0, 0, 0])
    })
    it(`cost a local pod of a known class and subject its address and endpoint row, among ${count} pods`, () => {
      const scene = crowd(count)
      expect(sizes(scene.apply(pod('a/web2', { app: 'web' }, '10.0.0.2')))).to.deep.equal([1, 0, 1, 0, 0])
      expect(scene.subjectOf('10.0.0.2')).to.equal(scene.subjectOf('10.0.0.1'))
    })
    it(`cost a repeated fact nothing, among ${count} pods`, () => {
      const scene = crowd(count)
      const again = policy('p', { podSelector: [is('app', 'web')], ingress: allowFrom('client') })
      expect(sizes(scene.apply(pod('a/web', { app: 'web' }, '10.0.0.1'), again))).to.deep.equal([0, 0, 0, 0, 0])
    })
    it(`are renamed in place when all members come to match one more selector, among ${count} pods`, () => {
      const scene = crowd(count)
      const before = scene.classOf('10.1.0.0')
      const everyZone = { peers: [pods({ key: 'zone', operator: 'Exists', values: [] })], ports: [tcp(81)] } as const
      const delta = scene.apply(
        policy('p', { podSelector: [is('app', 'web')], ingress: [...allowFrom('client'), everyZone] }),
      )
      // The cell of the class points to another row; no address moves.
      expect(sizes(delta)).to.deep.equal([0, 0, 0, 1, 2])
      expect(scene.classOf('10.1.0.0')).to.equal(before)
      expect(scene.verdict('10.1.0.0', '10.0.0.1', 81)).to.equal(1)
    })
    it(`rename when a policy is replaced by one with another selector of the same pods, among ${count} pods`, () => {
      const scene = crowd(count)
      const other = [{ peers: [pods(is('app', 'client', 'kunde'))], ports: [tcp(80)] }]
      expect(sizes(scene.apply(policy('p', { podSelector: [is('app', 'web')], ingress: other })))).to.deep.equal([
        0, 0, 0, 0, 0,
      ])
    })
  }

  it('split by a selector that tells members apart, and only those that match move', () => {
    const scene = crowd(10)
    const delta = scene.apply(
      policy('q', { podSelector: [is('app', 'web')], ingress: [{ peers: [pods(is('zone', 'z0'))], ports: [] }] }),
    )
    expect(delta.addresses.length).to.equal(5)
    expect(scene.classOf('10.1.0.0')).not.to.equal(scene.classOf('10.1.0.1'))
    expect(scene.classOf('10.1.0.0')).to.equal(scene.classOf('10.1.0.2'))
  })

  it('merge when the selector that told them apart goes', () => {
    const scene = crowd(10)
    scene.apply(
      policy('q', { podSelector: [is('app', 'web')], ingress: [{ peers: [pods(is('zone', 'z0'))], ports: [] }] }),
    )
    const delta = scene.apply(noPolicy('q'))
    expect(delta.addresses.length).to.equal(5)
    expect(scene.classOf('10.1.0.0')).to.equal(scene.classOf('10.1.0.1'))
  })

  it('keep their number for named prefixes rather than for fewer addresses when they part', () => {
    const scene = new Scene()
    const blocks = Array.from({ length: 10 }, (_, at) => ipBlock(`20.0.${at}.0/24`))
    scene.apply(
      agent(),
      pod('a/web', { app: 'web' }, '10.0.0.1'),
      ...Array.from({ length: 5 }, (_, at) => pod(`a/x${at}`, { app: 'x' }, `20.0.0.${at + 1}`, remote)),
      policy('p', { podSelector: [is('app', 'web')], ingress: [{ peers: blocks, ports: [tcp(80)] }] }),
    )
    const { addresses, prefixes } = scene.apply(
      policy('q', { podSelector: [is('app', 'web')], ingress: allowFrom('x') }),
    )
    expect([addresses.length, prefixes.length]).to.deep.equal([5, 0])
  })

  it('use a freed number again only in a later delta', () => {
    const scene = crowd(4)
    scene.apply(
      policy('q', { podSelector: [is('app', 'web')], ingress: allowFrom('lone') }),
      pod('a/lone', { app: 'lone' }, '10.3.0.1', remote),
    )
    const freed = scene.classOf('10.3.0.1')
    scene.apply(
      noPod('a/lone'),
      policy('r', { podSelector: [is('app', 'web')], ingress: [{ peers: [ipBlock('20.0.0.0/8')], ports: [] }] }),
    )
    expect(scene.engine.tables.prefixes.get('20.0.0.0/8')!.peerClass).not.to.equal(freed)
    scene.apply(pod('a/lone', { app: 'lone' }, '10.3.0.1', remote))
    expect(scene.classOf('10.3.0.1')).to.equal(freed)
  })

  it('tell named ports apart where an egress rule asks, and nowhere else', () => {
    const scene = new Scene()
    const ports = (port: number) => ({ ports: [{ name: 'http', protocol: 'TCP', port }] as const, ...remote })
    scene.apply(
      agent(),
      pod('a/x', {}, '10.0.0.1', ports(80)),
      pod('a/y', {}, '10.0.0.2', ports(81)),
      pod('a/local', {}, '10.0.0.3'),
    )
    expect(scene.classOf('10.0.0.1')).to.equal(scene.classOf('10.0.0.2'))
    scene.apply(policy('p', { policyTypes: ['egress'], egress: [{ peers: [], ports: [tcp('http')] }] }))
    expect(scene.classOf('10.0.0.1')).not.to.equal(scene.classOf('10.0.0.2'))
    scene.apply(noPolicy('p'))
    expect(scene.classOf('10.0.0.1')).to.equal(scene.classOf('10.0.0.2'))
  })

  it('are told apart only by rules that select a local pod, from its coming to its going', () => {
    const scene = crowd(10)
    const zone = policy('q', {
      podSelector: [is('app', 'db')],
      ingress: [{ peers: [pods(is('zone', 'z0'))], ports: [] }],
    })
    const block = { peers: [ipBlock('20.0.0.0/8')], ports: [] }
    const far = policy('r', { podSelector: [is('app', 'db')], ingress: [block] })
    expect(sizes(scene.apply(pod('a/far', { app: 'db' }, '10.0.0.8', remote), zone, far))).to.deep.equal([
      1, 0, 0, 0, 0,
    ])
    expect(scene.classOf('10.1.0.0')).to.equal(scene.classOf('10.1.0.1'))
    scene.apply(pod('a/db', { app: 'db' }, '10.0.0.9'))
    expect(scene.classOf('10.1.0.0')).not.to.equal(scene.classOf('10.1.0.1'))
    expect(scene.engine.tables.prefixes.get('20.0.0.0/8')).not.to.equal(undefined)
    scene.apply(noPod('a/db'))
    expect(scene.classOf('10.1.0.0')).to.equal(scene.classOf('10.1.0.1'))
    expect(scene.engine.tables.prefixes.get('20.0.0.0/8')).to.equal(undefined)
  })

  it('keep no cell for a class that nobody is in', () => {
    const scene = crowd(1)
    expect(scene.engine.tables.cells.size).to.equal(3)
    scene.apply(noPod('a/c0'))
    // Both defaults are left.
    expect(scene.engine.tables.cells.size).to.equal(2)
  })

  it('are told apart again when a pod that a rule selects comes again', () => {
    const scene = crowd(10)
    const db = pod('a/db', { app: 'db' }, '10.0.0.9')
    scene.apply(
      policy('q', {
        podSelector: [is('app', 'db')],
        policyTypes: ['ingress', 'egress'],
        ingress: [{ peers: [pods(is('zone', 'z0'))], ports: [] }],
        egress: [{ peers: [], ports: [tcp('http')] }],
      }),
    )
    for (let time = 0; time < 3; time += 1) {
      scene.apply(db)
      expect([0, 1].map(at => scene.verdict(`10.1.0.${at}`, '10.0.0.9'))).to.deep.equal([1, 0])
      scene.apply(noPod('a/db'))
      expect(scene.classOf('10.1.0.0')).to.equal(scene.classOf('10.1.0.1'))
    }
    scene.apply(db)
    // A rule goes together with the last pod that it selects.
    scene.apply(noPod('a/db'), noPolicy('q'))
    scene.apply(db)
    expect([0, 1].map(at => scene.verdict(`10.1.0.${at}`, '10.0.0.9'))).to.deep.equal([1, 1])
  })

  it('follow a namespace by its own pods', () => {
    const scene = crowd(10)
    scene.apply(pod('b/far', { app: 'client' }, '10.4.0.1', remote))
    const delta = scene.apply(namespace('b', { team: 'x' }))
    expect(sizes(delta)).to.deep.equal([1, 0, 0, 0, 0])
  })
})

describe('deltas', () => {
  it('start from the last delta, whatever was folded and read meanwhile', () => {
    const scene = crowd(2)
    const there = pod('a/new', { app: 'client', zone: 'z0' }, '10.2.0.1', remote)
    scene.engine.fold(scene.log.add(there))
    expect(scene.engine.verdict({ from: '10.2.0.1', to: '10.0.0.1', protocol: 6, port: 80 })).to.equal(1)
    expect(sizes(scene.apply())).to.deep.equal([1, 0, 0, 0, 0])
    scene.engine.fold(scene.log.add(noPod('a/new')))
    scene.engine.digest()
    expect(sizes(scene.apply(there))).to.deep.equal([0, 0, 0, 0, 0])
  })
  it('start from what was read of the tables', () => {
    const scene = crowd(2)
    scene.engine.fold(scene.log.add(noPod('a/c0')))
    expect(scene.engine.tables.addresses.get('10.1.0.0')).to.equal(undefined)
    expect(sizes(scene.apply())).to.deep.equal([0, 0, 0, 0, 0])
  })
})

describe('subjects', () => {
  it('are shared by pods that the same rules select', () => {
    const scene = crowd(2)
    scene.apply(pod('a/web2', { app: 'web', extra: 'label' }, '10.0.0.2'), pod('a/db', { app: 'db' }, '10.0.0.3'))
    expect(scene.subjectOf('10.0.0.2')).to.equal(scene.subjectOf('10.0.0.1'))
    expect(scene.subjectOf('10.0.0.3')).not.to.equal(scene.subjectOf('10.0.0.1'))
  })
  it('are renamed in place when all their pods get one more rule', () => {
    const scene = crowd(2)
    const delta = scene.apply(policy('q', { podSelector: [is('app', 'web')], policyTypes: ['egress'] }))
    // The default cell for egress; and the row that allows all, which nothing uses any more.
    expect(sizes(delta)).to.deep.equal([0, 0, 0, 1, 1])
  })
  it('part when their own named ports differ and an ingress rule asks', () => {
    const scene = new Scene()
    const ports = (port: number) => ({ ports: [{ name: 'http', protocol: 'TCP', port }] as const })
    scene.apply(agent(), pod('a/x', {}, '10.0.0.1', ports(80)), pod('a/y', {}, '10.0.0.2', ports(81)))
    expect(scene.subjectOf('10.0.0.1')).to.equal(scene.subjectOf('10.0.0.2'))
    scene.apply(policy('p', { ingress: [{ peers: [], ports: [tcp('http')] }] }))
    expect(scene.subjectOf('10.0.0.1')).not.to.equal(scene.subjectOf('10.0.0.2'))
    expect([80, 81].map(port => scene.verdict('10.0.0.1', '10.0.0.2', port))).to.deep.equal([0, 1])
  })
  it('leave no cell and no row behind', () => {
    const scene = crowd(4)
    const counts = (): number[] => [scene.engine.tables.cells.size, scene.engine.tables.rows.size]
    const before = counts()
    const two = [{ peers: [pods(is('zone', 'z0'))], ports: [tcp(81)] }]
    scene.apply(policy('q', { podSelector: [is('app', 'db')], ingress: two }), pod('a/db', { app: 'db' }, '10.0.0.3'))
    expect(counts()).not.to.deep.equal(before)
    scene.apply(noPod('a/db'))
    expect(counts()).to.deep.equal(before)
  })
  it('that are gone are asked nothing when a peer comes that they once asked for', () => {
    const db = policy('db', { podSelector: [is('app', 'db')], ingress: allowFrom('x') })
    const takes = (app: string, port: number) =>
      policy('p', { podSelector: [is('app', 'web')], ingress: [{ peers: [pods(is('app', app))], ports: [tcp(port)] }] })
    // Other peers alone change a rule in place; another port as well makes another rule.
    for (const port of [80, 81]) {
      const scene = crowd(2)
      scene.apply(
        db,
        pod('a/db', { app: 'db' }, '10.0.0.3'),
        takes('x', 80),
        pod('a/x', { app: 'x' }, '10.3.0.1', remote),
      )
      scene.apply(takes('y', port))
      scene.apply(noPod('a/web'))
      scene.apply(
        policy('z', { podSelector: [is('app', 'db')], ingress: allowFrom('z') }),
        pod('a/x2', { app: 'x', more: 'labels' }, '10.3.0.2', remote),
        namespace('a', { team: 'x' }),
        policy('zone', {
          podSelector: [is('app', 'db')],
          ingress: [{ peers: [pods(is('more', 'labels'))], ports: [] }],
        }),
      )
      expect(['10.3.0.1', '10.3.0.2'].map(from => scene.verdict(from, '10.0.0.3', 80))).to.deep.equal([1, 1])
      expect(scene.engine.tables.endpoints.size).to.equal(1)
    }
  })
  it('have a default for both directions, and rows that are shared', () => {
    const scene = crowd(0)
    const rows = [...scene.engine.tables.rows].map(([, row]) => row.steps)
    expect(rows).to.deep.include([{ key: 0, verdict: 1 }])
    expect(scene.engine.tables.cells.get('1:ingress:0')).not.to.equal(undefined)
    expect(scene.engine.tables.cells.get('1:egress:0')).not.to.equal(undefined)
    expect(new Set(rows.map(steps => JSON.stringify(steps))).size).to.equal(rows.length)
  })
})

describe('endpoints', () => {
  it('take the lowest free slot, and none that was freed in the same delta', () => {
    const scene = new Scene()
    const slot = (address: string): number => scene.engine.tables.addresses.get(address)!.endpoint
    scene.apply(agent(), pod('a/x', {}, '10.0.0.1'), pod('a/y', {}, '10.0.0.2'))
    expect([slot('10.0.0.1'), slot('10.0.0.2')]).to.deep.equal([1, 2])
    scene.apply(noPod('a/x'), pod('a/z', {}, '10.0.0.3'))
    expect(slot('10.0.0.3')).to.equal(3)
    scene.apply(pod('a/w', {}, '10.0.0.4'))
    expect(slot('10.0.0.4')).to.equal(1)
  })
  it('are the pods of the agent’s node and those that are wired here', () => {
    const scene = new Scene()
    scene.apply(agent(), pod('a/x', {}, '10.0.0.1', remote))
    expect(scene.engine.tables.endpoints.size).to.equal(0)
    const endpoint = {
      namespace: 'a',
      pod: 'x',
      ifindex: 7,
      ifname: 'v',
      hostMac: '02:00:00:00:00:01',
      podMac: '02:00:00:00:00:02',
    }
    scene.apply({ kind: 'endpoint.attached', endpoint })
    expect(scene.engine.tables.endpoints.get(1)?.wiring?.ifindex).to.equal(7)
    scene.apply({ kind: 'endpoint.detached', namespace: 'a', pod: 'x' })
    expect(scene.engine.tables.endpoints.size).to.equal(0)
    scene.apply(agent([], 'there'))
    expect(scene.engine.tables.endpoints.size).to.equal(1)
  })
})
