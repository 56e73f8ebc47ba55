import { findPlace } from '@weir/adapters/agent/places.js'
import { parseTarget } from '@weir/adapters/agent/target.js'
import { why } from '@weir/adapters/agent/why.js'
import { explainedCauses } from '@weir/adapters/agent/causes.js'
import { WeirError } from '@weir/core'
import { expect } from 'chai'
import { engineOf, pod, smallShop } from './cluster.js'

describe('what a destination says', () => {
  const readings: readonly (readonly [string, object])[] = [
    ['shop/cart', { place: 'shop/cart' }],
    ['shop/cart:8080', { place: 'shop/cart', port: '8080' }],
    ['cart:http/tcp', { place: 'cart', port: 'http', protocol: 'tcp' }],
    ['10.0.0.3:53/UDP', { place: '10.0.0.3', port: '53', protocol: 'UDP' }],
    ['2001:db8::1', { place: '2001:db8::1' }],
    ['[2001:db8::1]', { place: '2001:db8::1' }],
    ['[2001:db8::1]:443', { place: '2001:db8::1', port: '443' }],
    ['world', { place: 'world' }],
  ]
  for (const [text, target] of readings) it(`reads ${text}`, () => expect(parseTarget(text)).to.deep.equal(target))

  for (const text of ['', ':80', 'cart:', 'cart:80/', '[2001:db8::1', '[2001:db8::1]:', 'cart:8 0'])
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseTarget(text))
        .to.throw(WeirError)
        .with.property('code', 'WEIR_REQUEST_INVALID')
    })
})

describe('a place by its name', () => {
  const { state } = engineOf(smallShop)

  it('is a pod by namespace and name, by a unique name, and by its workload’s', () => {
    for (const word of ['shop/db', 'db', 'orders', 'shop/orders'])
      expect(findPlace(state, word).name).to.equal('shop/db')
  })

  it('is a pod by any spelling of its address', () => {
    expect(findPlace(state, 'fd00:0:0::0004')).to.deep.include({ name: 'shop/db', addresses: ['fd00::4'] })
  })

  it('is the node, or somebody outside', () => {
    expect(findPlace(state, 'host').addresses).to.deep.equal(['10.0.0.1', 'fd00::1'])
    expect(findPlace(state, 'world').addresses).to.deep.equal(['192.0.2.1', '2001:db8::1'])
  })

  it('is outside of every block that a policy names', () => {
    expect(findPlace(state, 'world', address => address === '192.0.2.1').addresses[0]).to.equal('198.51.100.1')
  })

  it('is refused when two pods have it, with both named', () => {
    const twice = engineOf([...smallShop, { kind: 'pod.upserted', pod: pod('db', '10.0.0.9', { namespace: 'data' }) }])
    expect(() => findPlace(twice.state, 'db'))
      .to.throw(WeirError, 'more than one pod')
      .with.nested.property('payload.problems[0].expected', 'shop/db, data/db')
  })

  it('that nobody has is told with what comes close', () => {
    expect(() => findPlace(state, 'shop/car'))
      .to.throw(WeirError, 'no pod shop/car')
      .with.nested.property('payload.near[0]', 'shop/cart')
  })
})

describe('why', () => {
  const engine = engineOf(smallShop)

  it('answers for both families and names the rule with its event', () => {
    const answers = why(engine, 'web', 'cart:8080')
    expect(answers.map(answer => answer.from.address)).to.deep.equal(['10.0.0.2', 'fd00::2'])
    for (const { explanation } of answers) {
      expect(explanation.verdict).to.equal(1)
      expect(explanation.ingress.decidedBy?.origin).to.deep.equal({
        policy: 'NetworkPolicy shop/cart',
        path: 'spec.ingress[0]',
        seq: 3,
      })
      expect(explainedCauses(explanation)).to.deep.equal(['NetworkPolicy shop/cart spec.ingress[0]'])
    }
  })

  it('names the policy behind a default deny', () => {
    const [answer] = why(engine, 'db', 'cart:8080')
    expect(answer!.explanation.verdict).to.equal(0)
    expect(explainedCauses(answer!.explanation)).to.deep.equal(['default deny (ingress) by NetworkPolicy shop/cart'])
  })

  it('asks about all of a pod’s ports and ICMP echo when no port is named', () => {
    const asked = why(engine, 'web', 'cart').map(({ protocol, port, explanation }) => [
      protocol,
      port,
      explanation.verdict,
    ])
    expect(asked).to.deep.equal([
      [6, 8080, 1],
      [1, 8 << 8, 0],
      [6, 8080, 1],
      [58, 128 << 8, 0],
    ])
  })

  it('resolves a port’s name at the destination', () => {
    expect(why(engine, 'web', 'cart:http')[0]).to.include({ protocol: 6, port: 8080 })
    expect(() => why(engine, 'web', 'cart:https'))
      .to.throw(WeirError)
      .with.nested.property('payload.near[0]', 'http')
  })

  it('refuses ports and protocols that there aren’t', () => {
    expect(() => why(engine, 'web', 'cart:65536')).to.throw(WeirError, 'no port has this number')
    expect(() => why(engine, 'web', 'cart:80/TCPX')).to.throw(WeirError, 'no such protocol')
  })

  it('refuses two places without a family in common', () => {
    expect(() => why(engine, '10.0.0.2', 'fd00::3')).to.throw(WeirError, 'no address family in common')
  })
})
