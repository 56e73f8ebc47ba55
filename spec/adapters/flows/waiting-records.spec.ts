import { WaitingRecords } from '@weir/adapters/flows/waiting-records.js'
import { expect } from 'chai'
import * as fc from 'fast-check'

const size = 4

/** Records that hold their numbers. */
const numbered = (first: number, count: number): Uint8Array =>
  new Uint8Array(Uint32Array.from({ length: count }, (_, at) => first + at).buffer)

describe('records that wait', () => {
  it('are those that were put in, in order, however they come and go, and no more than there is room for', () => {
    const step = fc.record({ come: fc.nat(9), go: fc.nat(3) })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 40 }), (capacity, steps) => {
        const waiting = new WaitingRecords(capacity, size)
        const held: { readonly at: number; readonly count: number; readonly first: number }[] = []
        const sum = (): number => held.reduce((total, { count }) => total + count, 0)
        let next = 1
        for (const { come, go } of steps) {
          const data = numbered(next, come)
          for (let from = 0; from < come; ) {
            const { at, count } = waiting.put(data, from, come - from)
            if (count === 0) {
              expect(sum(), 'refused though there is room').to.equal(capacity)
              break
            }
            held.push({ at, count, first: next + from })
            from += count
          }
          next += come
          for (const { at, count, first } of held)
            expect(waiting.bytes.slice(at * size, (at + count) * size)).to.deep.equal(numbered(first, count))
          for (const { count } of held.splice(0, go)) waiting.release(count)
        }
      }),
    )
  })
})
