import { expect } from 'chai'
import fc from 'fast-check'
import { Signatures } from '@weir/core/verdict/signatures.js'

describe('Signatures', () => {
  it('tell by which changes each number is met, in their order, and are equal for equal changes', () => {
    const noted = fc.array(fc.uniqueArray(fc.nat({ max: 30 }), { maxLength: 20 }), { maxLength: 6 })
    fc.assert(
      fc.property(fc.array(noted, { maxLength: 3 }), rounds => {
        const signatures = new Signatures<string>()
        for (const round of rounds) {
          const model = new Map<number, string[]>()
          for (const [at, numbers] of round.entries()) {
            const change = `change ${at}`
            signatures.note(numbers, Math.max(0, ...numbers) + 1, change)
            for (const number of numbers) model.set(number, [...(model.get(number) ?? []), change])
          }
          expect(signatures.met).to.have.members([...model.keys()])
          const bySignature = new Map<number, string>()
          for (let number = 0; number <= 32; number += 1) {
            const signature = signatures.at(number)
            const changes = model.get(number) ?? []
            expect(signatures.changesOf(signature)).to.deep.equal(changes)
            expect(bySignature.get(signature) ?? changes.join()).to.equal(changes.join())
            bySignature.set(signature, changes.join())
          }
          expect(new Set(bySignature.values()).size).to.equal(bySignature.size)
          signatures.clear()
          expect(signatures.met).to.deep.equal([])
        }
      }),
    )
  })

  it('are 0 for whoever is beyond all that were met', () => {
    const signatures = new Signatures<string>()
    expect(signatures.at(0)).to.equal(0)
    signatures.note([1], 2, 'change')
    expect([1, 2, 3].map(number => signatures.at(number))).to.deep.equal([1, 0, 0])
  })
})
