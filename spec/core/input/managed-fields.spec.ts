import { changedBy } from '@weir/core/input/managed-fields.js'
import { expect } from 'chai'

const entry = (manager: unknown, time?: unknown, more: object = {}): object => ({
  manager,
  operation: 'Update',
  apiVersion: 'v1',
  ...(time !== undefined && { time }),
  ...more,
})
const object = (kind: string, managedFields: unknown): object => ({ kind, metadata: { name: 'web', managedFields } })
const at = (minute: number): string => new Date(Date.UTC(2026, 0, 31, 12, minute)).toISOString()
const status = { subresource: 'status' }

describe('managed fields', () => {
  it('name whoever wrote an object last, wherever the entry stands', () => {
    const applied = entry('argocd-controller', at(1), { operation: 'Apply' })
    const edited = entry('kubectl-edit', at(5))
    const by = { manager: 'kubectl-edit', operation: 'Update', time: Date.parse(at(5)) }
    expect(changedBy(object('NetworkPolicy', [applied, edited]))).to.deep.equal(by)
    expect(changedBy(object('NetworkPolicy', [edited, applied]))).to.deep.equal(by)
    expect(changedBy(object('NetworkPolicy', [applied]))).to.include({ operation: 'Apply' })
  })

  it('leave out who wrote a status that decides nothing, and at one time put the object before it', () => {
    const entries = [entry('kubectl-edit', at(1)), entry('kubelet', at(9), status)]
    expect(changedBy(object('NetworkPolicy', entries))?.manager).to.equal('kubectl-edit')
    expect(changedBy(object('Pod', entries))?.manager).to.equal('kubelet')
    const together = [entry('kubectl-edit', at(9)), entry('kubelet', at(9), status)]
    expect(changedBy(object('Pod', together))?.manager).to.equal('kubectl-edit')
    expect(changedBy(object('Pod', [...together].reverse()))?.manager).to.equal('kubectl-edit')
    expect(changedBy(object('NetworkPolicy', [entry('kubelet', at(9), status)]))).to.equal(undefined)
  })

  it('say only what they say', () => {
    expect(changedBy(object('Pod', [entry('x', undefined, { operation: 'Patch' })]))).to.deep.equal({ manager: 'x' })
    expect(changedBy(object('Pod', [entry('old'), entry('new', at(1))]))?.manager).to.equal('new')
    expect(changedBy(object('Pod', [entry('x', 'yesterday')]))).to.deep.equal({ manager: 'x', operation: 'Update' })
  })

  it('that can’t be read name nobody, and are no problem', () => {
    for (const odd of [
      undefined,
      null,
      'me',
      {},
      [],
      [null],
      ['me'],
      [entry('')],
      [entry(7)],
      [entry('x'.repeat(129))],
    ])
      expect(changedBy(object('Pod', odd))).to.equal(undefined)
    for (const raw of [undefined, null, 'Pod', [], {}, { metadata: null }]) expect(changedBy(raw)).to.equal(undefined)
  })
})
