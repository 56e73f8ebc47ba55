import { Engine, verdicts, type EventBody } from '@weir/core'
import { compareStates } from '@weir/core/compare/compare.js'
import { nodesOf } from '@weir/core/compare/residents.js'
import { expect } from 'chai'
import { agent, ipBlock, node, observed, pod, policy, Scene } from '../log.js'

const unnamed = '192.0.2.77'
const outside = '203.0.113.5'

const hostPolicy = {
  kind: 'ciliumpolicy.upserted',
  policy: {
    kind: 'CiliumClusterwideNetworkPolicy',
    namespace: '',
    name: 'host',
    rules: [{ path: 'spec', subject: { kind: 'nodes', selector: [] }, enableDefaultDeny: { ingress: true } }],
  },
} as const satisfies EventBody

const here = (...bodies: readonly EventBody[]): Scene => {
  const scene = new Scene()
  scene.apply(agent(), node('here', ['192.168.0.1'], { labels: { zone: 'east' } }), ...bodies)
  return scene
}

describe('an address that only a device of this node has', () => {
  it('is the host, with the labels of its node', () => {
    const scene = here(observed('fe80::77', unnamed))
    const named = scene.engine.tables.addresses.get('192.168.0.1')!
    for (const address of [unnamed, 'fe80::77']) {
      const row = scene.engine.tables.addresses.get(address)!
      expect(row).to.deep.include({ identity: 1, subject: 0, peerClass: named.peerClass })
      const { from } = scene.engine.explain({ from: address, to: outside, protocol: 6, port: 80 })
      expect(from).to.deep.include({ kind: 'node', name: 'here', identity: 1, labels: ['reserved:host'] })
    }
  })

  it('is judged while a policy selects the node, and only while the device has it', () => {
    const scene = here(observed(unnamed), hostPolicy)
    const subject = scene.subjectOf('192.168.0.1')
    expect(subject).to.be.above(0)
    expect(scene.subjectOf(unnamed)).to.equal(subject)
    expect(scene.verdict(outside, unnamed)).to.equal(verdicts.deny)
    scene.apply(observed('192.0.2.78'))
    expect(scene.engine.tables.addresses.get(unnamed)).to.equal(undefined)
    expect(scene.verdict(outside, unnamed)).to.equal(verdicts.allow)
    expect(scene.verdict(outside, '192.0.2.78')).to.equal(verdicts.deny)
  })

  it('reaches the pods of its node whatever isolates them, and no block of the cluster’s outside holds it', () => {
    const scene = here(pod('a/x', {}, '10.0.0.1'), policy('deny', {}), observed(unnamed))
    expect(scene.verdict(unnamed, '10.0.0.1')).to.equal(verdicts.allow)
    expect(scene.verdict(outside, '10.0.0.1')).to.equal(verdicts.deny)
  })

  it('is nobody’s before there is a node, then that node’s, whichever it becomes', () => {
    const scene = new Scene()
    scene.apply(observed(unnamed))
    expect(scene.engine.tables.addresses.size).to.equal(0)
    const owner = (): string => scene.engine.explain({ from: unnamed, to: outside, protocol: 6, port: 80 }).from.name
    scene.apply(agent([], 'one'))
    expect(owner()).to.equal('one')
    scene.apply(agent([], 'two'))
    expect(owner()).to.equal('two')
    expect(scene.engine.tables.addresses.get(unnamed)).to.include({ identity: 1 })
  })

  it('follows the labels of its node', () => {
    const scene = here(observed(unnamed), policy('p', { ingress: [{ peers: [ipBlock('10.0.0.0/8')], ports: [] }] }))
    const before = scene.engine.digest().hex
    scene.apply(node('here', ['192.168.0.1'], { labels: { zone: 'west' } }))
    scene.apply(node('here', ['192.168.0.1'], { labels: { zone: 'east' } }))
    expect(scene.engine.digest().hex).to.equal(before)
    expect(scene.classOf(unnamed)).to.equal(scene.classOf('192.168.0.1'))
  })

  it('is in the digest and outlives a snapshot, which an older build wrote without it', () => {
    const scene = here(hostPolicy)
    const without = scene.engine.digest().hex
    const old = structuredClone(scene.engine.snapshot())
    scene.apply(observed(unnamed))
    expect(scene.engine.digest().hex).to.not.equal(without)
    const again = Engine.restore(structuredClone(scene.engine.snapshot()))
    expect(again.digest().hex).to.equal(scene.engine.digest().hex)
    expect(again.tables.addresses.get(unnamed)).to.deep.equal(scene.engine.tables.addresses.get(unnamed))
    const { host: _, ...state } = old.state
    expect(Engine.restore({ ...old, state }).digest().hex).to.equal(without)
  })

  it('is a resident of its node when states are compared, and nobody outside is there then', () => {
    const open = policy('p', { ingress: [{ peers: [ipBlock(`${unnamed}/32`)], ports: [] }] })
    const changes = (...more: readonly EventBody[]): number => {
      const before = here(pod('a/x', {}, '10.0.0.1'), open, ...more)
      const after = here(pod('a/x', {}, '10.0.0.1'), policy('p', {}), ...more)
      return compareStates(before.engine, after.engine).changes.length
    }
    expect(changes()).to.equal(1)
    expect(changes(observed(unnamed))).to.equal(0)
    expect(nodesOf(here(observed(unnamed, '192.168.0.1')).engine.state).get('here')).to.deep.equal([
      '192.168.0.1',
      unnamed,
    ])
    const bare = new Scene()
    bare.apply(agent(), observed(unnamed))
    expect(nodesOf(bare.engine.state).get('here')).to.deep.equal([unnamed])
  })
})
