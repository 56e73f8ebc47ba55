import { chooseFromCluster } from '@weir/core/service/choose.js'
import { newUnit, type Use } from '@weir/core/service/model.js'
import { Selections } from '@weir/core/service/selections.js'
import { expect } from 'chai'

const useOf = (number: number, said: Partial<Use> = {}): Use => {
  const row = { backend: number, address: '10.0.0.1', port: 1, protocol: 'TCP', local: false, zone: '' } as const
  return {
    unit: newUnit('service', 'shop/web'),
    row: { ...row, state: 'active' },
    next: undefined,
    endpoint: { addresses: [], ready: true, serving: true, terminating: false },
    ready: true,
    local: false,
    place: 0,
    unhealthy: false,
    weight: 1,
    seen: 0,
    ...said,
  }
}
const here = { node: 'here', zone: '' }

describe('the endpoints that get new connections', () => {
  it('are taken as they are while all are fit: no list is made for a service that nothing ails', () => {
    const uses = [useOf(1), useOf(2)]
    expect(chooseFromCluster(uses, undefined, here)).to.equal(uses)
  })

  for (const [what, said] of [
    ['not ready', { ready: false }],
    ['put out of use', { weight: 0 }],
    ['failing its checks', { unhealthy: true }],
  ] as const)
    it(`are the others where one is ${what}`, () => {
      const [first, ailing, last] = [useOf(1), useOf(2, said), useOf(3)]
      expect(chooseFromCluster([first, ailing, last], undefined, here)).to.deep.equal([first, last])
    })

  it('are a selection in whatever order they are listed, and the list stays as it was', () => {
    const [first, second] = [useOf(1), useOf(2)]
    const listed = [second, first]
    expect(new Selections().acquire(listed).row.backends).to.deep.equal([1, 2])
    expect(listed).to.deep.equal([second, first])
  })
})
