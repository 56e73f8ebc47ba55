import { hashText } from '@weir/core/service/maglev-hash.js'
import { MaglevBuild, type MaglevMember, maglevSizeFor, maglevSizes, maglevTable } from '@weir/core/service/maglev.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { paperTable } from '../../oracle/maglev.js'

const members = (count: number, weight: (index: number) => number = () => 1): MaglevMember[] =>
  Array.from({ length: count }, (_, index) => ({
    key: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:8080/TCP`,
    weight: weight(index),
  }))

const keysOf = (list: readonly MaglevMember[], size: number, seed = 1): readonly string[] =>
  Array.from(maglevTable(list, { size, seed }), index => list[index]!.key)

const countsOf = (keys: readonly string[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

/** Slots that lead elsewhere, as a share of all. */
const moved = (a: readonly string[], b: readonly string[]): number =>
  a.filter((key, slot) => key !== b[slot]).length / a.length

const primes = fc.constantFrom(2, 3, 5, 7, 11, 31, 101, 251, 509)
const weighted = fc.uniqueArray(
  fc.record({ key: fc.ipV4(), weight: fc.oneof(fc.constantFrom(1, 2, 3), fc.integer({ min: 1, max: 65_535 })) }),
  { minLength: 1, maxLength: 20, selector: ({ key }) => key },
)

describe('maglev', function () {
  this.timeout(60_000)

  it('hashes as MurmurHash3 does', () => {
    const known = [
      ['', 0, 0],
      ['', 1, 0x514e28b7],
      ['', 0xffffffff, 0x81f16f39],
      ['test', 0, 0xba6bd213],
      ['test', 0x9747b28c, 0x704b81dc],
      ['Hello, world!', 0, 0xc0363e43],
      ['Hello, world!', 0x9747b28c, 0x24884cba],
      ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
    ] as const
    for (const [text, seed, hash] of known) expect(hashText(text, seed), text).equals(hash)
  })

  it('makes the table of the paper', () => {
    fc.assert(
      fc.property(weighted, primes, fc.nat(), (list, size, seed) => {
        const sorted = [...list].sort((a, b) => (a.key < b.key ? -1 : 1))
        const backends = sorted.map(({ key, weight }) => ({
          offset: hashText(key, seed) % size,
          skip: size === 2 ? 1 : (hashText(key, ~seed) % (size - 1)) + 1,
          weight,
        }))
        const expected = paperTable(size, backends).map(index => sorted[index]!.key)
        expect(keysOf(list, size, seed)).deep.equals(expected)
      }),
      { numRuns: 300 },
    )
  })

  it('is the same whatever the order of the backends, and another with another seed', () => {
    const list = members(50)
    const shuffled = [...list].sort((a, b) => hashText(a.key, 9) - hashText(b.key, 9))
    expect(keysOf(shuffled, 1021)).deep.equals(keysOf(list, 1021))
    expect(moved(keysOf(list, 1021, 1), keysOf(list, 1021, 2))).above(0.9)
  })

  it('is the same in steps', () => {
    const list = members(30, index => 1 + (index % 3))
    const build = new MaglevBuild(list, { size: 4093, seed: 5 })
    let steps = 1
    while (!build.step(100)) steps++
    expect(steps).equals(41)
    expect(build.isDone).equals(true)
    expect([...build.table]).deep.equals([...maglevTable(list, { size: 4093, seed: 5 })])
  })

  it('gives backends of one weight numbers of slots that differ by one at most', () => {
    for (const [count, size] of [
      [3, 251],
      [10, 1021],
      [160, 16381],
      [655, 65537],
    ] as const) {
      const counts = [...countsOf(keysOf(members(count), size)).values()]
      expect(counts).has.length(count)
      const [least, most] = [Math.min(...counts), Math.max(...counts)]
      expect(most - least).most(1)
      expect(most / (size / count)).most(1.01)
    }
  })

  it('gives backends slots by their weights, within two per cent where each has a hundred', () => {
    const list = members(20, index => 1 + (index % 5))
    const total = list.reduce((sum, { weight }) => sum + weight, 0)
    const counts = countsOf(keysOf(list, 16381))
    for (const { key, weight } of list) expect((counts.get(key) ?? 0) / ((16381 * weight) / total)).within(0.98, 1.02)
  })

  it('bears absurd weights', () => {
    const list = members(1000, index => (index === 7 ? 65_535 : 1))
    const counts = countsOf(keysOf(list, 65537))
    expect(counts.get(list[7]!.key)! / ((65537 * 65_535) / (65_535 + 999))).within(0.99, 1.01)
    expect(counts.size, 'the others have a slot each').equals(1000)
  })

  it('moves little more than it must when a backend goes', () => {
    const list = members(100)
    const before = keysOf(list, 16381)
    for (const gone of [0, 50, 99]) {
      const after = keysOf(
        list.filter((_, index) => index !== gone),
        16381,
      )
      const must = before.filter(key => key === list[gone]!.key).length / before.length
      expect(moved(before, after)).within(must, must + 0.02)
    }
  })

  it('moves little of the others when a weight changes', () => {
    const list = members(50, () => 10)
    const heavier = list.map((member, index) => (index === 3 ? { ...member, weight: 20 } : member))
    const before = keysOf(list, 16381)
    const after = keysOf(heavier, 16381)
    const strayed = before.filter((key, slot) => key !== after[slot] && after[slot] !== list[3]!.key).length
    expect(strayed / before.length).most(0.03)
  })

  it('has a size by the number of backends, within the bounds of the configuration', () => {
    const sizes = [1, 40, 41, 81, 82, 163, 164, 100_000].map(count => maglevSizeFor(count))
    expect(sizes).deep.equals([4093, 4093, 8191, 8191, 16381, 16381, 16381, 16381])
    expect(maglevSizeFor(100_000, { most: 131_071 })).equals(131_071)
    expect(maglevSizeFor(3, { least: 251 })).equals(509)
    expect(maglevSizeFor(3, { least: 16_381, most: 16_381 })).equals(16_381)
    expect([...maglevSizes]).deep.equals([251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071])
    for (const size of maglevSizes) expect(() => maglevTable(members(1), { size, seed: 0 })).not.throws()
  })

  it('refuses what makes no table', () => {
    expect(() => maglevTable([], { size: 251, seed: 0 })).throws(RangeError, 'members')
    expect(() => maglevTable(members(1), { size: 250, seed: 0 })).throws(RangeError, 'prime')
    expect(() => maglevTable([{ key: 'a', weight: 0 }], { size: 251, seed: 0 })).throws(RangeError, 'weight')
    expect(() => maglevTable([{ key: 'a', weight: 1.5 }], { size: 251, seed: 0 })).throws(RangeError, 'weight')
  })
})
