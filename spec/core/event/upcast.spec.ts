import type { WeirError } from '@weir/core/errors.js'
import { eventSchemaVersion } from '@weir/core/event/event.js'
import { composeUpcast, eventLifts, type Lift, upcastEvent } from '@weir/core/event/upcast.js'
import { expect } from 'chai'

const step =
  (from: number): Lift =>
  record => ({ ...record, path: [...(record.path as number[]), from] })

const steps = (...versions: number[]): Map<number, Lift> => new Map(versions.map(from => [from, step(from)]))

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as WeirError).code
  }
}

describe('upcasting events', () => {
  it('takes a record of any version through every lift after it, in order', () => {
    const upcast = composeUpcast(steps(0, 2, 1), 3)
    for (const [version, path] of [
      [0, [0, 1, 2]],
      [1, [1, 2]],
      [2, [2]],
      [3, []],
    ] as const) {
      expect(upcast(version, { path: [] })).to.deep.equal({ path })
    }
  })

  it('leaves its argument alone, and a current record as it is', () => {
    const old = Object.freeze({ path: Object.freeze([]) })
    expect(composeUpcast(steps(0), 1)(0, old)).to.not.equal(old)
    expect(composeUpcast(steps(0), 1)(1, old)).to.equal(old)
  })

  it('names versions that it does not know', () => {
    const upcast = composeUpcast(steps(2), 3)
    expect(codeOf(() => upcast(1, {}))).to.equal('WEIR_EVENT_VERSION')
    expect(codeOf(() => upcast(4, {}))).to.equal('WEIR_EVENT_VERSION')
    expect(codeOf(() => upcastEvent(eventSchemaVersion + 1, {}))).to.equal('WEIR_EVENT_VERSION')
  })

  it('leaves records of version 4 as they are, whoever they name', () => {
    const old = { kind: 'namespace.deleted', name: 'shop', time: 5, source: 'manifests:/shop.yaml:1' }
    expect(upcastEvent(4, old)).to.deep.equal(old)
    expect(upcastEvent(eventSchemaVersion, { ...old, by: { manager: 'kubectl' } })).to.have.property('by')
  })

  it('cannot be built with a gap, or with a lift beyond the current version', () => {
    expect(() => composeUpcast(steps(0, 2), 3)).to.throw(RangeError)
    expect(() => composeUpcast(steps(0, 1), 1)).to.throw(RangeError)
    expect(() => composeUpcast(eventLifts, eventSchemaVersion)).to.not.throw()
  })
})
