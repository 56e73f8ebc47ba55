import { expect } from 'chai'
import { nameMatcher } from '@weir/core/policy/fqdn.js'

const names = ['x.org', 'a.x.org', 'a-1_b.x.org', 'b.a.x.org', 'axxorg', 'y.org', 'a.x.org.uk', 'org']
const matched = (pattern: string): readonly string[] => names.filter(nameMatcher(pattern))

describe('patterns of DNS names', () => {
  it('mean every name by * alone', () => expect(matched('*')).to.deep.equal(names))
  it('mean one name without a *: a dot is a dot, and nothing stands before or after', () => {
    expect(matched('x.org')).to.deep.equal(['x.org'])
    expect(matched('a.x.org')).to.deep.equal(['a.x.org'])
    expect(matched('a.x.o')).to.deep.equal([])
  })
  it('mean any characters of one label by *', () => {
    expect(matched('*.x.org')).to.deep.equal(['a.x.org', 'a-1_b.x.org'])
    expect(matched('*.org')).to.deep.equal(['x.org', 'y.org'])
    expect(matched('a*.x.org')).to.deep.equal(['a.x.org', 'a-1_b.x.org'])
    expect(matched('a*b.x.org')).to.deep.equal(['a-1_b.x.org'])
    expect(matched('*.*.x.org')).to.deep.equal(['b.a.x.org'])
  })
  it('mean one label or more by a leading **., and never the bare domain', () => {
    expect(matched('**.x.org')).to.deep.equal(['a.x.org', 'a-1_b.x.org', 'b.a.x.org'])
    expect(matched('**.org')).to.deep.equal(['x.org', 'a.x.org', 'a-1_b.x.org', 'b.a.x.org', 'y.org'])
    expect(matched('**.a.x.org')).to.deep.equal(['b.a.x.org'])
  })
  it('mean no more by several * in a row than by one', () => {
    expect(matched('a**.x.org')).to.deep.equal(matched('a*.x.org'))
    expect(matched('y.**org')).to.deep.equal(['y.org'])
  })
  it('take characters of regular expressions for themselves', () => {
    expect(matched('(a|x).org')).to.deep.equal([])
    expect(matched('[a-z].org')).to.deep.equal([])
    expect(matched('a+.x.org')).to.deep.equal([])
  })
})
