import { expect } from 'chai'
import { KeyUse } from '@weir/core/verdict/key-use.js'
import { is } from '../log.js'

describe('KeyUse', () => {
  it('names the keys that come into use and go out of it, once per selector that asks', () => {
    const keys = new KeyUse()
    const changedBy = (act: () => void): readonly string[] => {
      keys.changed.clear()
      act()
      return [...keys.changed].sort()
    }
    const both = [is('app', 'x'), is('tier', 'y')]
    expect(changedBy(() => keys.acquire(both))).to.deep.equal(['app', 'tier'])
    expect(changedBy(() => keys.acquire([is('app', 'z')]))).to.deep.equal([])
    expect(changedBy(() => keys.release(both))).to.deep.equal(['tier'])
    expect([keys.has('app'), keys.has('tier'), keys.has('zone')]).to.deep.equal([true, false, false])
    expect(changedBy(() => keys.release([is('app', 'z')]))).to.deep.equal(['app'])
    expect(keys.has('app')).to.equal(false)
    expect(changedBy(() => keys.acquire(both))).to.deep.equal(['app', 'tier'])
  })
})
