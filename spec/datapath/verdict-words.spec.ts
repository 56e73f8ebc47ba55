import { verdicts } from '@weir/core'
import type { Step } from '@weir/core/tables/tables.js'
import { codecs } from '@weir/datapath/codec/maps.js'
import { reasonName } from '@weir/datapath/flow/reasons.js'
import { meet, rowContent } from '@weir/datapath/plan/row-content.js'
import { decodeRow, rowWrites } from '@weir/datapath/reconcile/encode.js'
import { expect } from 'chai'

const { deny, allow, denylisted, proxy } = verdicts
const steps: readonly Step[] = [
  { key: 0, verdict: deny },
  { key: 10, verdict: allow },
  { key: 20, verdict: denylisted },
  { key: 30, verdict: proxy },
]
const placement = { first: 0, chunks: 1 }

describe('verdict words', () => {
  it('allow in the low byte for one verdict alone, and name the reason of each denial in the next', () => {
    const [write] = rowWrites(rowContent(steps), placement)
    const words = codecs.rowChunk.read(write!.value!).verdict.slice(0, 4)
    expect(words.map(word => word & 0xff)).to.deep.equal([0, 1, 0, 0])
    expect(words.slice(2).map(word => reasonName(word >> 8))).to.deep.equal([
      'Policy denied by denylist',
      'Proxy redirection not supported for protocol',
    ])
  })
  it('are read back as the verdicts that they were written for', () => {
    const [write] = rowWrites(rowContent(steps), placement)
    expect(decodeRow([write!.value!]).steps).to.deep.equal(steps)
  })
})

describe('the meet of two rows', () => {
  it('allows what both allow, and denies for the reason of the first that denies', () => {
    const other = rowContent([
      { key: 0, verdict: allow },
      { key: 15, verdict: proxy },
      { key: 25, verdict: allow },
    ])
    expect(meet(rowContent(steps), other).steps).to.deep.equal([
      { key: 0, verdict: deny },
      { key: 10, verdict: allow },
      { key: 15, verdict: proxy },
      { key: 20, verdict: denylisted },
      { key: 30, verdict: proxy },
    ])
  })
})
