import type { PeerSelector, Rule } from '@weir/core/policy/rule.js'
import { sayingOf } from '@weir/core/verdict/saying.js'
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
})
