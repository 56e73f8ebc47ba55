import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { runWeir } from './run.js'
import { StatesFolder } from './states-folder.js'

describe('commands that are interrupted', function () {
  this.timeout(20_000)
  const states = new StatesFolder()
  const { folder, log } = states
  const { TMPDIR } = process.env
  /** Where copies of logs are made meanwhile. */
  const copies = mkdtempSync(join(tmpdir(), 'weir-interrupted-'))

  before(() => states.start())
  after(async () => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
    rmSync(copies, { recursive: true, force: true })
    await states.end()
  })

  it('end where they read a log, with a status of their own and without a word or a copy left behind', async () => {
    const interrupted = AbortSignal.abort()
    process.env.TMPDIR = copies
    for (const words of [
      ['history', 'shop/web', 'shop/db:5432'],
      ['history', 'service', 'shop/web'],
      ['bisect', 'shop/web', 'shop/db:5432', '--good', '1', '--bad', '-0s'],
      ['replay'],
      ['log', 'verify'],
      ['log', 'stat'],
      ['log', 'grep', 'web'],
      ['log', 'show', '3'],
      ['log', 'tables', '--from-start'],
    ]) {
      const { code, out, err } = await runWeir([...words, '--log', log], folder, interrupted)
      expect([code, out, err], words.join(' ')).to.deep.equal([130, [], ''])
    }
    expect(readdirSync(copies)).to.deep.equal([])
  })
})
