import { Writable } from 'node:stream'
import { printable, printableLines } from '@weir/adapters/cli/printable.js'
import { problemLine } from '@weir/adapters/cli/render/error.js'
import { tableLines } from '@weir/adapters/cli/table.js'
import { streamTerminal } from '@weir/adapters/cli/terminal.js'
import { expect } from 'chai'
import fc from 'fast-check'

/** A stream that keeps what it is given. */
function recorder(): Writable & { readonly text: () => string; isTTY: boolean } {
  let kept = ''
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      kept += chunk.toString()
      done()
    },
  })
  return Object.assign(stream, { text: () => kept, isTTY: true })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may get through
const acting = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

describe('what a terminal is shown', () => {
  it('is never a control sequence of an input', async () => {
    const out = recorder()
    const err = recorder()
    const terminal = streamTerminal(out, err, { NO_COLOR: '1' })
    await terminal.line('\u001b]0;title\u0007\u001b[2J\u009b2J\u202egnp.exe')
    terminal.note('\u001b[8mhidden')
    expect(out.text()).not.to.match(acting)
    expect(err.text()).not.to.match(acting)
    expect(out.text()).to.contain('\\u001b]0;title\\u0007\\u001b[2J\\u009b2J\\u202egnp.exe\n')
  })
  it('has none of them, whatever else it has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(printable(text)).not.to.match(acting)
      }),
    )
  })
  it('keeps its own colours', async () => {
    const out = recorder()
    const terminal = streamTerminal(out, recorder(), {})
    await terminal.line(terminal.colour.good(terminal.colour.strong('fine')))
    expect(out.text()).to.equal('\u001b[32m\u001b[1mfine\u001b[22m\u001b[39m\n')
  })
  it('is JSON that means the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(JSON.parse(printableLines(JSON.stringify({ text })))).to.deep.equal({ text })
      }),
    )
  })
  it('has no line that an input made up', () => {
    const name = 'a\n● all well\r'
    expect(printable(name)).to.equal('a\\u000a● all well\\u000d')
    expect(problemLine({ file: name, line: 1, path: '', message: name })).not.to.match(/[\r\n]/)
    expect(tableLines([name], [{ heading: 'name', cell: row => row }])).to.deep.equal(['NAME', printable(name)])
  })
})
