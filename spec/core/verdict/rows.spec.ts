import { expect } from 'chai'
import { allowing } from '@weir/core/verdict/judgement.js'
import { Rows } from '@weir/core/verdict/rows.js'

const only = (port: number) => allowing([port, port])

describe('Rows', () => {
  const idsOf = (rows: Rows): readonly number[] => [...rows.table].map(([id]) => id).sort((a, b) => a - b)
  const end = (rows: Rows): void => {
    rows.sweep()
    rows.commit()
  }

  it('are one for equal judgements, until nothing refers to it', () => {
    const rows = new Rows()
    const row = rows.acquire(only(80))
    expect(rows.acquire(only(80))).to.equal(row)
    expect(rows.acquire(only(81)).id).to.equal(2)
    rows.release(row)
    rows.sweep()
    expect(idsOf(rows)).to.deep.equal([1, 2])
    rows.release(row)
    expect(idsOf(rows)).to.deep.equal([1, 2])
    rows.sweep()
    expect(idsOf(rows)).to.deep.equal([2])
  })
  it('stay when somebody refers to them again before the delta ends', () => {
    const rows = new Rows()
    const row = rows.acquire(only(80))
    rows.release(row)
    expect(rows.acquire(only(80))).to.equal(row)
    rows.sweep()
    expect(idsOf(rows)).to.deep.equal([1])
    rows.release(row)
    rows.sweep()
    expect(idsOf(rows)).to.deep.equal([])
  })
  it('give an id to other content only in a later delta', () => {
    const rows = new Rows()
    rows.release(rows.acquire(only(80)))
    rows.sweep()
    expect(rows.acquire(only(81)).id).to.equal(2)
    rows.commit()
    expect(rows.acquire(only(82)).id).to.equal(1)
  })
  it('have the ids that a snapshot had for their content, and free those of content that is gone', () => {
    const before = new Rows()
    const kept = [80, 81, 82].map(port => before.acquire(only(port)))
    before.release(kept[0]!)
    end(before)
    expect(before.ids()).to.deep.equal([
      ['81,81', 2],
      ['82,82', 3],
    ])
    const after = new Rows()
    after.remember(before.ids())
    expect([after.acquire(only(82)).id, after.acquire(only(90)).id]).to.deep.equal([3, 1])
    after.forget()
    end(after)
    expect([after.acquire(only(81)).id, after.acquire(only(91)).id]).to.deep.equal([2, 4])
  })
})
