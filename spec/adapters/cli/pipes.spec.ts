import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

/** This file runs as spec/dist/adapters/cli/pipes.spec.js. */
const root = fileURLToPath(new URL('../../../..', import.meta.url))
const weir = join(root, 'adapters/bin/weir.mjs')

/** Runs a command whose reader leaves after the first bytes. */
async function abandoned(...words: string[]): Promise<{ code: number | null; signal: string | null; err: string }> {
  const child = spawn(process.execPath, [weir, ...words], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    err += part
  })
  await once(child.stdout, 'data')
  child.stdout.destroy()
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, err }
}

/** All that a command writes, at the pace of a reader who takes his time. */
async function read(...words: string[]): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, [weir, ...words], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
  let out = ''
  const closed = once(child, 'close')
  for await (const part of child.stdout.setEncoding('utf8')) {
    out += part as string
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  const [code] = (await closed) as [number | null]
  return { code, out }
}

describe('commands in a pipe', function () {
  this.timeout(60_000)

  for (const words of [
    ['matrix', 'examples/shop', '-o', 'json'],
    ['why', 'all', 'all:1-65535/any', '--state-from', 'examples/shop'],
    ['what-if', '--delete', 'netpol/shop/cart', '--state-from', 'examples/shop'],
    ['--help'],
  ])
    it(`end quietly when their reader leaves: weir ${words.join(' ')}`, async () => {
      const { code, signal, err } = await abandoned(...words)
      expect({ code, signal, err }).to.deep.equal({ code: 0, signal: null, err: '' })
    })

  it('write all of a large answer to a slow reader', async () => {
    const words = ['why', 'all', 'all:1-65535/any', '--state-from', 'examples/shop', '-o', 'json']
    const { code, out } = await read(...words)
    expect(code).to.equal(0)
    expect(out.length).to.be.above(200_000)
    expect(JSON.parse(out)).to.be.an('array')
  })
})
