import { expect } from 'chai'
import { Engine } from '@weir/core'
import { agent, ipBlock, namespace, node, noPod, noPolicy, pod, policy, Scene } from '../log.js'

const numberOf = (scene: Scene, address: string): number => scene.engine.tables.addresses.get(address)!.identity
const labelsOf = (scene: Scene, id: number) => [...scene.engine.identities()].find(row => row.id === id)?.labels

describe('identities', () => {
  it('are sets of labels with their source: own, of the namespace, account and cluster', () => {
    const scene = new Scene()
    scene.apply(
      agent(),
      namespace('a', { team: 'x' }),
      pod('a/p', { app: 'web' }, '10.0.0.1', { serviceAccount: 'sa' }),
    )
    expect(labelsOf(scene, 256)).to.deep.equal([
      'k8s:app=web',
      'k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=a',
      'k8s:io.cilium.k8s.namespace.labels.team=x',
      'k8s:io.cilium.k8s.policy.cluster=default',
      'k8s:io.cilium.k8s.policy.serviceaccount=sa',
      'k8s:io.kubernetes.pod.namespace=a',
    ])
  })
  it('leave out what differs per pod, and what the agent is told to', () => {
    const scene = new Scene()
    const kept = { app: 'web', 'job-name': 'j', 'team/owner': 'me', 'team/cost': '7' }
    scene.apply(
      agent(['team/*', '!team/cost', '!job-name']),
      pod('a/p', { ...kept, 'pod-template-hash': 'x' }, '10.0.0.1'),
    )
    const own = labelsOf(scene, 256)!.filter(label => !label.startsWith('k8s:io.'))
    expect(own).to.deep.equal(['k8s:app=web', 'k8s:job-name=j', 'k8s:team/cost=7'])
  })
  it('follow a change of the filter and of the cluster', () => {
    const scene = new Scene()
    scene.apply(agent(), pod('a/p', { app: 'web', x: '1' }, '10.0.0.1'), pod('a/q', { app: 'web', x: '2' }, '10.0.0.2'))
    expect(numberOf(scene, '10.0.0.1')).not.to.equal(numberOf(scene, '10.0.0.2'))
    scene.apply(agent(['x']))
    expect(numberOf(scene, '10.0.0.1')).to.equal(numberOf(scene, '10.0.0.2'))
  })
  it('have the reserved numbers that other tools know', () => {
    const scene = new Scene()
    scene.apply(agent())
    const names = ['unknown', 'host', 'world', 'unmanaged', 'health', 'init', 'remote-node', 'kube-apiserver']
    const numbered = [...names, 'ingress', 'world-ipv4', 'world-ipv6'].map(name => [`reserved:${name}`])
    expect(numbered.map((_, number) => labelsOf(scene, number))).to.deep.equal(numbered)
  })
  it('are reserved for nodes and the world', () => {
    const scene = new Scene()
    scene.apply(
      agent(),
      node('here', ['192.168.0.1']),
      node('there', ['fd00::2']),
      pod('a/p', {}, '10.2.0.1'),
      policy('p', { ingress: [{ peers: [ipBlock('10.0.0.0/8', '10.1.0.0/16')], ports: [] }] }),
    )
    expect(numberOf(scene, '192.168.0.1')).to.equal(1)
    expect(numberOf(scene, 'fd00::2')).to.equal(6)
    const { prefixes } = scene.engine.tables
    const numbers = ['0.0.0.0/0', '::/0', '10.0.0.0/8', '10.1.0.0/16'].map(prefix => prefixes.get(prefix)?.identity)
    expect(numbers).to.deep.equal([9, 10, 1 << 24, (1 << 24) + 1])
    expect(labelsOf(scene, 1 << 24)).to.deep.equal(['cidr:10.0.0.0/8', 'reserved:world-ipv4'])
    scene.apply(noPolicy('p'))
    expect(labelsOf(scene, 1 << 24)).to.equal(undefined)
    expect([...prefixes].map(([prefix]) => prefix)).to.deep.equal(['0.0.0.0/0', '::/0'])
  })
  it('make pods of other nodes local, and the node a remote one, when the agent moves', () => {
    const scene = new Scene()
    scene.apply(agent(), node('here', ['192.168.0.1']), pod('a/p', {}, '10.0.0.1'), agent([], 'there'))
    expect(numberOf(scene, '192.168.0.1')).to.equal(6)
    expect(scene.engine.tables.endpoints.size).to.equal(0)
  })
  it('are shared by pods with equal labels, in whatever order these are written', () => {
    const scene = new Scene()
    scene.apply(pod('a/p', { x: '1', y: '2' }, '10.0.0.1'), pod('a/q', { y: '2', x: '1' }, '10.0.0.2'))
    expect(numberOf(scene, '10.0.0.1')).to.equal(numberOf(scene, '10.0.0.2'))
    expect([...scene.engine.identities()].find(({ id }) => id === 256)?.references).to.equal(2)
  })

  describe('numbers', () => {
    const range = { first: 256, last: 258 }
    const small = () => new Scene(new Engine({ clusterIdentities: range }))
    const labelled = (name: string, address = `10.0.0.${name.charCodeAt(0)}`) =>
      pod(`a/${name}`, { app: name }, address)
    const number = (scene: Scene, name: string) => numberOf(scene, `10.0.0.${name.charCodeAt(0)}`)

    it('follow the log, and a freed one rests until the cursor has come round', () => {
      const scene = small()
      scene.apply(labelled('a'), labelled('b'), noPod('a/a'), labelled('c'), labelled('d'))
      expect(['b', 'c', 'd'].map(name => number(scene, name))).to.deep.equal([257, 258, 256])
    })
    it('stay when a pod is said again, or relabelled and back in two events', () => {
      const scene = small()
      scene.apply(labelled('a'), labelled('a'))
      expect(number(scene, 'a')).to.equal(256)
      scene.apply(pod('a/a', { app: 'x' }, '10.0.0.97'))
      expect(number(scene, 'a')).to.equal(257)
    })
    it('that are exhausted leave a pod unmanaged by number, right by verdict, and first in line', () => {
      const scene = small()
      scene.apply(agent(), ...['a', 'b', 'c', 'd', 'e'].map(name => labelled(name)))
      expect(number(scene, 'd')).to.equal(3)
      expect(scene.engine.exhaustion?.code).to.equal('WEIR_IDENTITIES_EXHAUSTED')
      expect(scene.engine.exhaustion?.payload).to.deep.equal(range)
      scene.apply(policy('p', { podSelector: [{ key: 'app', operator: 'In', values: ['d'] }] }))
      expect(scene.verdict('10.0.0.101', '10.0.0.100')).to.equal(0)
      expect(scene.verdict('10.0.0.100', '10.0.0.101')).to.equal(1)
      scene.apply(noPod('a/b'))
      expect(number(scene, 'd')).to.equal(257)
      expect(number(scene, 'e')).to.equal(3)
      scene.apply(noPod('a/e'))
      expect(scene.engine.exhaustion).to.equal(undefined)
    })
    it('survive a snapshot: the cursor, and who waits', () => {
      const scene = small()
      scene.apply(...['a', 'b', 'c', 'd', 'e'].map(name => labelled(name)))
      const engine = Engine.restore(structuredClone(scene.engine.snapshot()), { clusterIdentities: range })
      const events = scene.log.add(noPod('a/c'), noPod('a/a'))
      engine.apply(events)
      scene.engine.apply(events)
      expect([...engine.identities()]).to.deep.equal([...scene.engine.identities()])
    })
  })
})

describe('owners of an address', () => {
  it('are a node before a pod, and the lower name among pods, whoever spoke last', () => {
    const scene = new Scene()
    scene.apply(agent(), pod('a/z', { app: 'z' }, '10.0.0.1'), pod('a/b', { app: 'b' }, '10.0.0.1'))
    const name = () => scene.engine.explain({ from: '10.0.0.1', to: '8.8.8.8', protocol: 6, port: 1 }).from.name
    expect(name()).to.equal('a/b')
    scene.apply(node('there', ['10.0.0.1']))
    expect(name()).to.equal('there')
    scene.apply({ kind: 'node.deleted', name: 'there' }, noPod('a/b'))
    expect(name()).to.equal('a/z')
  })
})
