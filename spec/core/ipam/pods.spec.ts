import { expect } from 'chai'
import { release, AttachmentSettler, type AttachmentFact, type EventBody, type PodFact, verdicts } from '@weir/core'
import { agent, node, pod, policy, Scene } from '../log.js'

const attachment: AttachmentFact = {
  ...{ network: 'weir', container: 'c1', ifname: 'eth0', netns: '/n', namespace: 'a', pod: 'new', device: 'weirc1' },
  addresses: ['10.0.0.9'],
}
const allocated: EventBody = { kind: 'address.allocated', attachment }

const upserted = (scene: Scene, ...bodies: readonly EventBody[]): readonly EventBody[] => {
  const settled = new AttachmentSettler(scene.engine.state).settle(bodies)
  scene.apply(...settled)
  return settled
}
const plain: PodFact = {
  ...{ namespace: 'a', name: 'new', labels: { app: 'web' }, serviceAccount: 'default', node: 'here' },
  ...{ addresses: [], hostNetwork: false, ports: [] },
}
const said: EventBody = { kind: 'pod.upserted', pod: plain }
const gone: EventBody = { kind: 'pod.deleted', namespace: 'a', name: 'new' }
const podOf = (scene: Scene): PodFact | undefined => scene.engine.state.pods.get('a/new')?.fact

describe('what is said of pods with an interface here', () => {
  it('is as given where nothing is attached', () => {
    const bodies = [said, gone]
    expect(new AttachmentSettler(new Scene().engine.state).settle(bodies)).to.equal(bodies)
  })
  it('has the addresses of the interface, and isn’t said again for the lack of them', () => {
    const scene = new Scene()
    upserted(scene, agent(), allocated, said)
    expect(podOf(scene)).to.deep.equal({ ...plain, addresses: ['10.0.0.9'] })
    expect(new AttachmentSettler(scene.engine.state).settle([said])).to.deep.equal([])
    const other = { ...said, pod: { ...plain, addresses: ['10.0.0.77'] } }
    expect(new AttachmentSettler(scene.engine.state).settle([other])).to.deep.equal([])
    expect(new AttachmentSettler(scene.engine.state).settle([gone, said])).to.have.length(2)
  })
  it('keeps a pod whose object goes first, as one of which nobody has told', () => {
    const scene = new Scene()
    upserted(scene, agent(), allocated, said)
    const [told, ...more] = upserted(scene, { ...gone, source: 'kubernetes' } as EventBody)
    expect(more).to.deep.equal([])
    expect(told).to.have.keys('kind', 'source', 'pod')
    expect(podOf(scene)).to.deep.include({ init: true, labels: {}, addresses: ['10.0.0.9'], node: 'here' })
    upserted(scene, { kind: 'address.released', container: 'c1', ifname: 'eth0', reusableAt: 5 }, gone)
    expect(podOf(scene)).to.equal(undefined)
  })
  it('leaves a pod alone that runs on another node by now, also when its interface here goes', () => {
    const scene = new Scene()
    upserted(scene, agent(), allocated, said)
    const moved: EventBody = { kind: 'pod.upserted', pod: { ...plain, node: 'there', addresses: ['10.0.1.5'] } }
    upserted(scene, moved)
    expect(podOf(scene)).to.deep.include({ node: 'there', addresses: ['10.0.1.5'] })
    upserted(scene, ...release(scene.engine.state, 'c1', 'eth0', 5))
    expect(podOf(scene)).to.deep.include({ node: 'there', addresses: ['10.0.1.5'] })
    upserted(scene, said)
    expect(podOf(scene)).to.deep.equal(plain)
  })
  it('leaves pods of the node’s own network alone', () => {
    const scene = new Scene()
    const host: EventBody = { kind: 'pod.upserted', pod: { ...plain, hostNetwork: true, addresses: ['192.168.0.1'] } }
    upserted(scene, agent(), allocated, host)
    expect(podOf(scene)?.addresses).to.deep.equal(['192.168.0.1'])
  })
})

describe('a pod of which nobody has told', () => {
  const scene = (): Scene => {
    const made = new Scene()
    const init: PodFact = { ...plain, labels: {}, addresses: ['10.0.0.9'], init: true }
    made.apply(agent(), node('here', ['192.168.0.1']), pod('a/old', { app: 'old' }, '10.0.0.1'))
    made.apply({ kind: 'pod.upserted', pod: init })
    return made
  }

  it('reaches nobody, and only the node reaches it', () => {
    const { engine } = scene()
    const verdict = (from: string, to: string) => engine.verdict({ from, to, protocol: 6, port: 80 })
    expect(verdict('10.0.0.9', '10.0.0.1')).to.equal(verdicts.deny)
    expect(verdict('10.0.0.9', '8.8.8.8')).to.equal(verdicts.deny)
    expect(verdict('10.0.0.1', '10.0.0.9')).to.equal(verdicts.deny)
    expect(verdict('192.168.0.1', '10.0.0.9')).to.equal(verdicts.allow)
    expect(verdict('10.0.0.1', '8.8.8.8')).to.equal(verdicts.allow)
    expect(engine.tables.addresses.get('10.0.0.9')?.identity).to.equal(5)
  })
  it('is nobody that a policy of its namespace selects or lets in', () => {
    const made = scene()
    made.apply(policy('open', { ingress: [{ peers: [], ports: [] }], egress: [{ peers: [], ports: [] }] }))
    expect(made.verdict('10.0.0.9', '8.8.8.8')).to.equal(verdicts.deny)
  })
  it('says why', () => {
    const { engine } = scene()
    const { verdict, egress } = engine.explain({ from: '10.0.0.9', to: '10.0.0.1', protocol: 6, port: 80 })
    expect(verdict).to.equal(verdicts.deny)
    expect(egress.isolatedBy.map(rule => rule.policy)).to.deep.equal(['built-in: pods not known yet'])
  })
  it('is who it is as soon as somebody tells, and the rules for it are gone', () => {
    const made = scene()
    made.apply({ kind: 'pod.upserted', pod: { ...plain, addresses: ['10.0.0.9'] } })
    expect(made.verdict('10.0.0.9', '8.8.8.8')).to.equal(verdicts.allow)
    expect(made.engine.tables.addresses.get('10.0.0.9')?.identity).to.be.greaterThan(255)
    expect([...made.engine.rules()].filter(({ origin }) => origin.policy.includes('not known'))).to.deep.equal([])
    const known = new Scene()
    known.apply(agent(), node('here', ['192.168.0.1']), pod('a/old', { app: 'old' }, '10.0.0.1'))
    known.apply({ kind: 'pod.upserted', pod: { ...plain, addresses: ['10.0.0.9'] } })
    expect(made.engine.digest()).to.deep.equal(known.engine.digest())
  })
})
