import { entriesEach, withTags } from '@weir/datapath/kernel/quick-entries.js'
import { expect } from 'chai'

describe('what XDP remembers of flows, by size', () => {
  it('is shared by the CPUs as powers of two', () => {
    expect(entriesEach(131_072, 8)).to.equal(16_384)
    expect(entriesEach(131_072, 6)).to.equal(16_384)
    expect(entriesEach(63, 8)).to.equal(0)
    expect(entriesEach(64, 8)).to.equal(8)
  })

  it('has tags for each set of whatever size is asked for', () => {
    expect(withTags({ weir_ct4: 5, weir_quick4: 1_048_576, weir_quick6: 4 })).to.deep.equal({
      weir_ct4: 5,
      weir_quick4: 1_048_576,
      weir_quick6: 4,
      weir_quick_tags4: 131_072,
      weir_quick_tags6: 1,
    })
    expect(withTags({})).to.deep.equal({ weir_quick_tags4: 16_384, weir_quick_tags6: 8192 })
  })
})
