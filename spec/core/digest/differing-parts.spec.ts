import { Engine } from '@weir/core'
import { differingParts } from '@weir/core/digest/differing-parts.js'
import { expect } from 'chai'

describe('parts in which digests differ', () => {
  const digest = new Engine().digest()

  it('are none of equal ones', () => {
    expect(differingParts(digest, new Engine().digest())).to.deep.equal([])
  })

  it('are named in the order of the digest', () => {
    const other = { ...digest, parts: { ...digest.parts, cells: 'a', addresses: 'b' } }
    expect(differingParts(digest, other)).to.deep.equal(['addresses', 'cells'])
  })

  it('are all of two versions, which hash other things', () => {
    const other = { ...digest, version: digest.version + 1 }
    expect(differingParts(digest, other)).to.deep.equal(Object.keys(digest.parts))
  })
})
