import { sideBySide } from '@weir/adapters/cli/render/side-by-side.js'
import { plain } from '@weir/adapters/cli/terminal.js'
import { expect } from 'chai'

describe('objects beside each other', () => {
  it('show what differs, with a few equal lines around it', () => {
    const before = { name: 'web', a: 1, b: 2, c: 3, d: 4, port: 80, gone: true }
    const after = { name: 'web', a: 1, b: 2, c: 3, d: 4, port: 8080, new: 'x', more: 'y' }
    expect(sideBySide(before, after, 80, plain)).to.deep.equal([
      '⋮',
      'b: 2                             b: 2',
      'c: 3                             c: 3',
      'd: 4                             d: 4',
      'port: 80                       | port: 8080',
      'gone: true                     | new: x',
      '                               > more: y',
    ])
  })

  it('leave one half empty where an object came or went, and cut what is too long', () => {
    expect(sideBySide(undefined, { a: 1 }, 80, plain)).to.deep.equal([`${' '.repeat(30)} > a: 1`])
    expect(sideBySide({ a: 1 }, undefined, 80, plain)).to.deep.equal([`a: 1${' '.repeat(26)} <`])
    const [line] = sideBySide({ text: 'x'.repeat(200) }, { text: 'y'.repeat(200) }, 83, plain)
    expect(line).to.equal(`text: ${'x'.repeat(33)}… | text: ${'y'.repeat(33)}…`)
  })

  it('are nothing where they are equal', () => {
    expect(sideBySide({ a: 1 }, { a: 1 }, 80, plain)).to.deep.equal(['⋮'])
  })
})
