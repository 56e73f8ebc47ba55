import type { PeerSelector, Rule } from '@weir/core/policy/rule.js'
import { samePeers, sayingOf } from '@weir/core/verdict/saying.js'
import { expect } from 'chai'
import { is } from '../log.js'

const rule = (peers: Rule['peers']): Rule => ({
  tier: 'namespaced',
  order: 1,
  subject: [],
  direction: 'ingress',
  action: 'allow',
  peers,
  ports: 'any',
  origin: { policy: 'NetworkPolicy a/p', path: 'spec.ingress[0]', seq: 1 },
})

const labels = (app: string): PeerSelector => ({ kind: 'labels', selector: [is('app', app)] })

describe('what a rule says', () => {
  it('is another text for other peers, and for everybody', () => {
    const all = [rule('any'), rule([]), rule([labels('x')]), rule([labels('y')]), rule([labels('x'), labels('y')])]
    expect(new Set(all.map(each => sayingOf(each).text)).size).equals(all.length)
  })

  it('is the same text for the same peers, in whichever order and however often', () => {
    const [x, y] = [labels('x'), labels('y')]
    const texts = [rule([x, y]), rule([y, x]), rule([x, y, x])].map(each => sayingOf(each).text)
    expect(new Set(texts).size).equals(1)
  })

  it('is of the same peers if each has what the other has, in whichever order and however often', () => {
    const same = (a: readonly PeerSelector[], b: readonly PeerSelector[]) =>
      samePeers(sayingOf(rule(a)), sayingOf(rule(b)))
    const [x, y] = [labels('x'), labels('y')]
    expect([same([x, y], [y, x]), same([x, y, x], [x, y]), same([], [])]).deep.equals([true, true, true])
    expect([same([x], [x, y]), same([x, y], [x]), same([x], [y])]).deep.equals([false, false, false])
  })

  it('is put into words once', () => {
    let asked = 0
    const counted = new Proxy(rule([labels('x')]), {
      get: (target, field) => {
        asked += 1
        return target[field as keyof Rule]
      },
    })
    const saying = sayingOf(counted)
    const text = saying.text
    const before = asked
    expect(saying.text).equals(text)
    expect(asked).equals(before)
  })
})
