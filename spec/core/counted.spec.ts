import { counted, countedAll } from '@weir/core/counted.js'
import { expect } from 'chai'

describe('counts', () => {
  it('agree with their words', () => {
    expect([0, 1, 2].map(count => counted(count, 'change'))).deep.equals(['0 changes', '1 change', '2 changes'])
    expect(counted(2, 'policy', 'policies')).equals('2 policies')
  })

  it('agree with words that are given for several', () => {
    const sizes = { namespaces: 1, policies: 1, addresses: 1, prefixes: 1, classes: 2, nonMasquerade: 1, cells: 0 }
    expect(countedAll(sizes)).equals('1 namespace, 1 policy, 1 address, 1 prefix, 2 classes, 1 nonMasquerade, 0 cells')
  })
})
