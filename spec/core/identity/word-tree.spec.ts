import { WordTree } from '@weir/core/identity/word-tree.js'
import { expect } from 'chai'
import fc from 'fast-check'

const words = fc.array(fc.constantFrom('', 'a', 'b', 'a\u0000b'), { maxLength: 4 })

const at = (tree: WordTree<number>, path: readonly string[]): WordTree<number> =>
  path.reduce((place, word) => place.step(word), tree)

describe('values by words', () => {
  it('are what was put last under the same words and not forgotten', () => {
    const steps = fc.array(fc.tuple(words, fc.option(fc.nat(9), { nil: undefined })), { maxLength: 30 })
    fc.assert(
      fc.property(steps, given => {
        const tree = new WordTree<number>()
        const meant = new Map<string, number>()
        for (const [path, value] of given) {
          const key = JSON.stringify(path)
          const place = at(tree, path)
          expect(place.value).equals(meant.get(key))
          if (value === undefined) {
            place.forget()
            meant.delete(key)
          } else {
            place.value = value
            meant.set(key, value)
          }
        }
        for (const key of meant.keys()) at(tree, JSON.parse(key) as string[]).forget()
        expect(tree.size, 'steps that lead nowhere').equals(0)
      }),
    )
  })
})
