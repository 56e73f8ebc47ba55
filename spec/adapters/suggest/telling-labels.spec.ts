import { tellingLabels } from '@weir/adapters/suggest/telling-labels.js'
import { LabelFilter } from '@weir/core/identity/filter.js'
import type { Labels } from '@weir/core'
import { expect } from 'chai'
import fc from 'fast-check'

const filter = new LabelFilter()
const told = (pods: readonly Labels[], others: readonly Labels[]) =>
  tellingLabels(pods, others, key => filter.keeps(key))
const anyLabels = fc.dictionary(
  fc.constantFrom('app', 'tier', 'team', 'version', 'pod-template-hash'),
  fc.constantFrom('a', 'b'),
)
const has = (labels: Labels, asked: Labels): boolean =>
  Object.entries(asked).every(([key, value]) => labels[key] === value)

describe('labels that tell pods from others', () => {
  it('mean all of them and, where that can be had, no other; with no label to spare', () => {
    fc.assert(
      fc.property(fc.array(anyLabels, { minLength: 1, maxLength: 4 }), fc.array(anyLabels), (pods, others) => {
        const sets = told(pods, others)
        for (const pod of pods) expect(sets.some(({ labels }) => has(pod, labels))).to.equal(true)
        for (const { labels, exact } of sets) {
          expect(labels).not.to.have.property('pod-template-hash')
          expect(exact).to.equal(Object.keys(labels).length > 0 && !others.some(other => has(other, labels)))
          if (!exact || Object.keys(labels).length < 2) continue
          for (const key of Object.keys(labels)) {
            const { [key]: _, ...fewer } = labels
            expect(others.some(other => has(other, fewer))).to.equal(true)
          }
        }
      }),
    )
  })

  it('are the usual ones before others, a version only where nothing else does', () => {
    const web = { app: 'web', team: 'shop', version: '2', 'pod-template-hash': 'x' }
    expect(told([web], [])).to.deep.equal([{ labels: { app: 'web' }, exact: true }])
    expect(told([web], [{ ...web, team: 'data' }])).to.deep.equal([{ labels: { team: 'shop' }, exact: true }])
    expect(told([web], [{ ...web, version: '1' }])).to.deep.equal([{ labels: { version: '2' }, exact: true }])
    expect(told([web], [{ ...web, team: 'data' }, { team: 'shop' }])).to.deep.equal([
      { labels: { app: 'web', team: 'shop' }, exact: true },
    ])
  })

  it('are several sets for pods that have nothing of their own in common', () => {
    expect(told([{ app: 'old' }, { app: 'new' }], [{ app: 'db' }])).to.deep.equal([
      { labels: { app: 'old' }, exact: true },
      { labels: { app: 'new' }, exact: true },
    ])
  })

  it("say so when they can't", () => {
    expect(told([{ app: 'web' }], [{ app: 'web', tier: 'x' }])).to.deep.equal([
      { labels: { app: 'web' }, exact: false },
    ])
    expect(told([{}], [])).to.deep.equal([{ labels: {}, exact: false }])
  })
})
