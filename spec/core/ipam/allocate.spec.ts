import { expect } from 'chai'
import fc from 'fast-check'
import {
  allocate,
  AttachmentSettler,
  Engine,
  type EventBody,
  type PodFact,
  poolOf,
  release,
  WeirError,
} from '@weir/core'
import { agent, pod, Scene } from '../log.js'
import { sampling } from '../../oracle/generate/seed.js'

/** A node that allocates as an agent does, at the times that a test says. */
class Node {
  readonly scene: Scene
  nowMs = 1000
  constructor(
    readonly blocks: readonly string[],
    scene = new Scene(),
  ) {
    this.scene = scene
  }

  say(bodies: readonly EventBody[]): readonly EventBody[] {
    const settled = new AttachmentSettler(this.scene.engine.state).settle(bodies)
    if (settled.length > 0) this.scene.apply(...settled)
    return settled
  }

  add(container: string, name = container, taken: readonly string[] = []): readonly string[] {
    const given = {
      ...{ network: 'weir', container, ifname: 'eth0', netns: '/n' },
      ...{ namespace: 'shop', pod: name, device: `weir${container}` },
    }
    const pools = this.blocks.map(block => poolOf(block)!)
    const isTaken = (address: string): boolean => taken.includes(address)
    this.say(allocate(this.scene.engine.state, given, { pools, isTaken, nowMs: this.nowMs }))
    return this.scene.engine.state.attachments.get(`${container}/eth0`)!.fact.addresses
  }

  del(container: string, cooldownMs = 60_000): readonly EventBody[] {
    return this.say(release(this.scene.engine.state, container, 'eth0', this.nowMs + cooldownMs))
  }

  podOf(name: string) {
    return this.scene.engine.state.pods.get(`shop/${name}`)?.fact
  }
}

const codeOf = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error instanceof WeirError ? [error.code, error.payload] : error
  }
}

describe('allocating addresses', () => {
  it('gives one of each family, and the same to who has it', () => {
    const node = new Node(['10.0.0.0/24', 'fd00::/64'])
    expect(node.add('a')).to.deep.equal(['10.0.0.2', 'fd00::2'])
    expect(node.add('b')).to.deep.equal(['10.0.0.3', 'fd00::3'])
    const { seq } = node.scene.engine.state
    expect(node.add('a')).to.deep.equal(['10.0.0.2', 'fd00::2'])
    expect(node.scene.engine.state.seq).to.equal(seq)
  })
  it('passes over what others have', () => {
    const node = new Node(['10.0.0.0/24'])
    expect(node.add('a', 'a', ['10.0.0.2', '10.0.0.3'])).to.deep.equal(['10.0.0.4'])
  })
  it('gives none again before it has cooled down', () => {
    const node = new Node(['10.0.0.0/29'])
    for (const name of ['a', 'b', 'c', 'd', 'e']) node.add(name)
    node.del('b')
    expect(codeOf(() => node.add('f'))).to.deep.equal(['WEIR_ADDRESSES_EXHAUSTED', { blocks: ['10.0.0.0/29'] }])
    node.nowMs += 59_999
    expect(codeOf(() => node.add('f'))).to.be.an('array')
    node.nowMs += 1
    expect(node.add('f')).to.deep.equal(['10.0.0.3'])
    expect(node.scene.engine.state.cooling.size).to.equal(0)
  })
  it('goes to the next block of a family when one is full, and says so when there is none', () => {
    const node = new Node(['10.0.0.0/30', '10.0.1.0/30'])
    expect([...node.add('a'), ...node.add('b')]).to.deep.equal(['10.0.0.2', '10.0.1.2'])
    expect(codeOf(() => new Node([]).add('a'))).to.deep.equal(['WEIR_ADDRESSES_EXHAUSTED', { blocks: [] }])
  })
  it('gives a pod that is known its address, and takes it with the interface', () => {
    const node = new Node(['10.0.0.0/24'])
    node.say([agent(), pod('shop/web', { app: 'web' }, [])])
    node.add('a', 'web')
    expect(node.podOf('web')).to.deep.include({ labels: { app: 'web' }, addresses: ['10.0.0.2'] })
    node.del('a')
    expect(node.podOf('web')).to.deep.include({ labels: { app: 'web' }, addresses: [] })
  })
  it('gives a sandbox an address whose pod is told of as another node’s still, and leaves it to nobody until then', () => {
    const node = new Node(['10.0.0.0/24'])
    const elsewhere = pod('shop/web', { app: 'web' }, ['10.0.1.5'])
    const old = { ...elsewhere, pod: { ...(elsewhere as { pod: PodFact }).pod, node: 'there' } } as EventBody
    node.say([agent(), old])
    node.add('a', 'web')
    expect(node.podOf('web')).to.deep.include({ init: true, labels: {}, addresses: ['10.0.0.2'] })
    node.say([pod('shop/web', { app: 'web' }, [])])
    expect(node.podOf('web')).to.deep.include({ labels: { app: 'web' }, addresses: ['10.0.0.2'] })
  })
  it('leaves a pod the address of its later sandbox', () => {
    const node = new Node(['10.0.0.0/24'])
    node.say([agent()])
    node.add('old', 'web')
    node.add('new', 'web')
    expect(node.podOf('web')?.addresses).to.deep.equal(['10.0.0.3'])
    node.del('old')
    expect(node.podOf('web')?.addresses).to.deep.equal(['10.0.0.3'])
    node.del('new')
    expect(node.podOf('web')).to.equal(undefined)
  })
  it('says nothing of what isn’t there', () => {
    expect(release(new Engine().state, 'a', 'eth0', 5)).to.deep.equal([])
  })

  it('agrees with a list of who has what, whatever comes and goes', () => {
    const step = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
      what: fc.constantFrom('add', 'add', 'del', 'wait', 'restore'),
      ms: fc.nat(50),
    })
    const usable = ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        let node = new Node(['10.0.0.0/29'])
        const has = new Map<string, string>()
        const freeFrom = new Map<string, number>()
        for (const { name, what, ms } of steps) {
          if (what === 'wait') node.nowMs += ms
          else if (what === 'restore') {
            const before = node
            node = new Node(before.blocks, new Scene(Engine.restore(before.scene.engine.snapshot())))
            node.nowMs = before.nowMs
            node.scene.log.events.push(...before.scene.log.events)
          } else if (what === 'del') {
            node.del(name, 40)
            const address = has.get(name)
            if (address !== undefined) freeFrom.set(address, node.nowMs + 40)
            has.delete(name)
          } else {
            const isFree = (each: string): boolean =>
              ![...has.values()].includes(each) && (freeFrom.get(each) ?? 0) <= node.nowMs
            const known = has.get(name)
            const free = known === undefined ? usable.filter(isFree) : [known]
            const given = codeOf(() => node.add(name)) as readonly string[]
            if (free.length === 0) expect(given[0]).to.equal('WEIR_ADDRESSES_EXHAUSTED')
            else {
              expect(free).to.include(given[0])
              has.set(name, given[0]!)
            }
          }
        }
        expect([...node.scene.engine.state.allocated.keys()].sort()).to.deep.equal([...has.values()].sort())
      }),
      sampling('allocations and a list', 200),
    )
  })
})
