import { expect } from 'chai'
import fc from 'fast-check'
import { atomSet, changedSet, differingAtoms, sameAtoms } from '@weir/core/verdict/atom-set.js'
import type { LabelAtom, PeerAtom, PeerClass, PeerClassData } from '@weir/core/verdict/model.js'
import { NumberSet } from '@weir/core/verdict/number-set.js'
import { PeerClasses } from '@weir/core/verdict/peer-classes.js'

const atomOf = (id: number): LabelAtom => ({
  kind: 'labels',
  id,
  text: `atom ${id}`,
  selectorKey: `atom ${id}`,
  selector: [],
  classes: new Set(),
  subjects: new Set(),
  uses: new Map(),
  references: 1,
})

const setOf = (numbers: Iterable<number>): NumberSet => {
  const set = new NumberSet()
  for (const number of numbers) set.add(number)
  return set
}

const rising = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b)

describe('sets of atoms', () => {
  const atoms = Array.from({ length: 12 }, (_, at) => atomOf(at + 1))
  const some = fc.subarray(atoms)

  it('after changes are the sets made anew, and changes between two lead from one to the other', () => {
    fc.assert(
      fc.property(some, some, (a, b) => {
        const [before, after] = [atomSet(a), atomSet([...b].reverse())]
        expect(sameAtoms(before, after)).to.equal(a.length === b.length && a.every(atom => b.includes(atom)))
        const changes = differingAtoms(before, after)
        expect(changes.length).to.equal(atoms.filter(atom => a.includes(atom) !== b.includes(atom)).length)
        for (const led of [changedSet(before, changes), changedSet(before, [...changes].reverse())]) {
          expect(led).to.deep.equal(after)
          expect(sameAtoms(led, after)).to.equal(true)
          // Once more changes nothing.
          expect(changedSet(led, changes)).to.deep.equal(after)
        }
      }),
    )
  })
})

describe('sets of atoms of one hash', () => {
  const [a, b, c] = [atomOf(1), atomOf(2), atomOf(3)] as const
  const hashed = (...atoms: readonly PeerAtom[]): PeerClassData => ({ atoms, hash: 7 })

  it('are the same only if they have the same atoms', () => {
    expect(sameAtoms(hashed(a, b), hashed(a, b))).to.equal(true)
    expect(sameAtoms(hashed(a, b), hashed(a, c))).to.equal(false)
    expect(sameAtoms(hashed(a), hashed(a, b))).to.equal(false)
    expect(sameAtoms(hashed(a, b), hashed(a))).to.equal(false)
    expect(sameAtoms(hashed(), hashed(a))).to.equal(false)
  })

  it('are classes of their own', () => {
    const classes = new PeerClasses()
    for (const group of [1, 2, 3]) classes.weigh(group, 1)
    classes.settle([
      [1, hashed(a, b)],
      [2, hashed(a, c)],
      [3, hashed(a, b)],
    ])
    expect(classes.classOf(1)).not.to.equal(classes.classOf(2))
    expect(classes.classOf(1)).to.equal(classes.classOf(3))
  })
})

describe('PeerClasses', () => {
  /** Enough that whole classes are compared, not groups one by one. */
  const population = 600

  const someGroups = fc.oneof(
    fc.record({ every: fc.integer({ min: 1, max: 5 }), from: fc.nat({ max: 4 }) }),
    fc.record({ first: fc.integer({ min: 1, max: population }) }),
    fc.record({ last: fc.integer({ min: 1, max: 30 }) }),
  )
  const groupsOf = (each: { every: number; from: number } | { first: number } | { last: number }): number[] => {
    const all = Array.from({ length: population }, (_, at) => at + 1)
    if ('every' in each) return all.filter(group => group % each.every === each.from % each.every)
    return 'first' in each ? all.slice(0, each.first) : all.slice(-each.last)
  }
  const change = fc.oneof(
    fc.record({ toggle: fc.nat({ max: 5 }), groups: someGroups }),
    fc.record({ end: fc.nat({ max: 5 }) }),
    fc.record({ set: fc.subarray([0, 1, 2, 3, 4, 5]), groups: fc.record({ last: fc.integer({ min: 1, max: 30 }) }) }),
  )

  it('are those of atoms held anew, whatever changed together; those not moved keep their number', () => {
    const round = fc.array(change, { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(fc.array(round, { minLength: 1, maxLength: 6 }), fc.array(fc.nat({ max: 63 })), (rounds, placed) => {
        const atoms = Array.from({ length: 6 }, (_, at) => atomOf(at + 1))
        const model = new Map<number, Set<PeerAtom>>()
        const classes = new PeerClasses()
        for (let group = 1; group <= population; group += 1) {
          const bits = placed[group % (placed.length + 1)] ?? 0
          model.set(group, new Set(atoms.filter((_, at) => ((bits >> at) & 1) === 1)))
          classes.weigh(group, 1 + (group % 3))
        }
        classes.settle([...model].map(([group, held]) => [group, atomSet([...held])]))
        for (const changes of rounds) {
          const before = new Map([...model.keys()].map(group => [group, classes.classOf(group).number]))
          const told = new Set<PeerAtom>()
          const set = new Set<number>()
          for (const each of changes) {
            if (!('toggle' in each)) continue
            const atom = atoms[each.toggle]!
            if (told.has(atom)) continue
            told.add(atom)
            const groups = groupsOf(each.groups)
            for (const holds of [true, false]) {
              const those = groups.filter(group => model.get(group)!.has(atom) !== holds)
              classes.note(those.length > 300 ? setOf(those) : those, { atom, holds })
            }
            for (const group of groups) if (!model.get(group)!.delete(atom)) model.get(group)!.add(atom)
          }
          const ended = changes
            .flatMap(each => ('end' in each ? [atoms[each.end]!] : []))
            .filter(atom => !told.has(atom))
          for (const atom of ended) {
            classes.end(atom)
            for (const held of model.values()) held.delete(atom)
          }
          for (const each of changes) {
            if (!('set' in each)) continue
            const now = each.set.map(at => atoms[at]!).filter(atom => !ended.includes(atom))
            const groups = groupsOf(each.groups).filter(group => !set.has(group))
            classes.set(groups, atomSet(now))
            for (const group of groups) {
              set.add(group)
              model.set(group, new Set(now))
            }
          }
          const { moved } = classes.settle([])
          const byText = new Map<string, PeerClass>()
          for (const [group, held] of model) {
            const text = rising([...held].map(({ id }) => id)).join()
            const block = classes.classOf(group)
            expect(block.members.has(group)).to.equal(true)
            expect(rising(block.data.atoms.map(({ id }) => id)).join(), `group ${group}`).to.equal(text)
            expect(byText.get(text) ?? block).to.equal(block)
            byText.set(text, block)
            if (!moved.includes(group)) expect(block.number).to.equal(before.get(group))
          }
          const blocks = [...classes.partition.blocks()]
          expect(blocks).to.have.members([...byText.values()])
          for (const atom of atoms) {
            const having = blocks.filter(({ data }) => data.atoms.includes(atom))
            expect([...atom.classes]).to.have.members(having)
          }
          for (const block of blocks) {
            const weight = [...block.members].reduce((sum, group) => sum + 1 + (group % 3), 0)
            expect(classes.weightOf(block)).to.equal(weight)
          }
        }
      }),
      { numRuns: 60 },
    )
  }).timeout(60_000)

  /** Classes of groups 1 to 900 without atoms and 901 to 1000 with one. */
  function parted() {
    const atom = atomOf(1)
    const classes = new PeerClasses()
    for (let group = 1; group <= 1000; group += 1) classes.weigh(group, 1)
    const all = Array.from({ length: 1000 }, (_, at) => at + 1)
    classes.settle(all.map(group => [group, atomSet(group > 900 ? [atom] : [])]))
    return { classes, atom, all }
  }

  it('move the lighter class when two become one', () => {
    const { classes, atom, all } = parted()
    const kept = classes.classOf(1).number
    classes.note(setOf(all.slice(0, 900)), { atom, holds: true })
    const { moved, removed, renamed } = classes.settle([])
    expect(rising(moved)).to.deep.equal(all.slice(900))
    expect(classes.classOf(1000).number).to.equal(kept)
    expect([removed.size, renamed.size]).to.deep.equal([1, 1])
  })

  it('move those who come to a class that is heavier than they are', () => {
    const { classes, atom, all } = parted()
    const kept = classes.classOf(1).number
    classes.note(all.slice(900), { atom, holds: false })
    const { moved, removed } = classes.settle([])
    expect(rising(moved)).to.deep.equal(all.slice(900))
    expect(removed.size).to.equal(1)
    expect(classes.classOf(1000).number).to.equal(kept)
  })

  it('move nobody when two classes trade what they hold', () => {
    const { classes, atom, all } = parted()
    const before = [1, 1000].map(group => classes.classOf(group).number)
    classes.note(all.slice(0, 900), { atom, holds: true })
    classes.note(all.slice(900), { atom, holds: false })
    expect(classes.settle([]).moved).to.deep.equal([])
    expect([1, 1000].map(group => classes.classOf(group).number)).to.deep.equal(before)
  })

  it('weigh together those who come to hold the same in different ways', () => {
    for (const [count, stay] of [
      [100, true],
      [300, false],
    ] as const) {
      const { classes, all } = parted()
      const other = atomOf(2)
      classes.note(all.slice(0, count), { atom: other, holds: true })
      classes.set(all.slice(count, 2 * count), atomSet([other]))
      const [those, others] = [all.slice(0, 2 * count), all.slice(2 * count, 900)]
      expect(rising(classes.settle([]).moved)).to.deep.equal(stay ? those : others)
    }
  })

  it('weigh what their groups weigh now', () => {
    const { classes, all } = parted()
    const block = classes.classOf(1)
    classes.weigh(1, 51)
    expect(classes.weightOf(block)).to.equal(950)
    classes.weigh(1, 2)
    classes.remove(2)
    expect(classes.weightOf(block)).to.equal(900)
    const other = atomOf(2)
    for (const group of all.slice(2, 12)) classes.weigh(group, 1000)
    // One by one: what is left of the class is what was not told.
    classes.note(all.slice(12, 900), { atom: other, holds: true })
    expect(rising(classes.settle([]).moved)).to.deep.equal(all.slice(12, 900))
  })

  it('move the lighter part of a class that parts, by weight and not by count', () => {
    const { classes, all } = parted()
    const other = atomOf(2)
    for (const group of all.slice(0, 10)) classes.weigh(group, 1000)
    const [few, many] = [classes.classOf(1).number, all.slice(10, 900)]
    classes.note(setOf(many), { atom: other, holds: true })
    expect(rising(classes.settle([]).moved)).to.deep.equal(many)
    expect(classes.classOf(1).number).to.equal(few)
  })

  it('move nobody when an atom comes to whole classes or goes from them', () => {
    const { classes, atom, all } = parted()
    const other = atomOf(2)
    classes.note(setOf(all), { atom: other, holds: true })
    const came = classes.settle([])
    expect([came.moved.length, came.renamed.size, came.created.size]).to.deep.equal([0, 2, 0])
    classes.end(other)
    const went = classes.settle([])
    expect([went.moved.length, went.renamed.size, went.removed.size]).to.deep.equal([0, 2, 0])
    expect([...atom.classes]).to.have.members([classes.classOf(1000)])
    expect(other.classes.size).to.equal(0)
  })
})
