import { newUnit, type Use } from '@weir/core/service/model.js'
import { type Selection, Selections } from '@weir/core/service/selections.js'
import { expect } from 'chai'

const unit = newUnit('service', 'shop/web')
const endpoint = { addresses: [], ready: true, serving: true, terminating: false }

const useOf = (number: number, weight = 1): Use => {
  const at = { backend: number, address: '10.0.0.1', port: 1, protocol: 'TCP', local: false, zone: '' } as const
  const row = { ...at, state: 'active' as const }
  const said = { endpoint, ready: true, local: false, place: 0, unhealthy: false }
  return { unit, row, next: undefined, ...said, weight, seen: 0 }
}

describe('selections', () => {
  it('are one for one content, and go with the last that needs them', () => {
    const selections = new Selections()
    const first = selections.acquire([useOf(2), useOf(1)])
    expect(first.row.backends).deep.equals([1, 2])
    expect(selections.acquire([useOf(1), useOf(2)])).equals(first)
    expect(selections.acquire([useOf(1), useOf(2, 3)]).row.weights).deep.equals([1, 3])
    expect(selections.acquire([useOf(1, 2), useOf(2, 2)]), 'weights are shares as they were said').not.equals(first)
    selections.release(first)
    selections.sweep()
    expect(selections.table.get(first.row.selection)).equals(first.row)
    selections.release(first)
    selections.sweep()
    expect(selections.table.get(first.row.selection)).equals(undefined)
    expect(selections.acquire([useOf(1), useOf(2)]).row.selection).not.equals(first.row.selection)
  })

  it('are told apart when their hashes are not', () => {
    const selections = new Selections(() => 7)
    const take = (backend: number): Selection => selections.acquire([useOf(backend)])
    const drop = (selection: Selection): void => {
      selections.release(selection)
      selections.sweep()
    }
    for (const goes of [0, 1, 2]) {
      const taken = [take(1), take(2), take(3)]
      expect(new Set(taken).size).equals(3)
      drop(taken[goes]!)
      for (const [index, selection] of taken.entries()) {
        const again = take(index + 1)
        expect(again === selection, `${goes} went, ${index}`).equals(index !== goes)
        expect(again.row.backends).deep.equals([index + 1])
        drop(again)
        if (index !== goes) drop(selection)
      }
      expect(selections.table.size).equals(0)
    }
  })
})
