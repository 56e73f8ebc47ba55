import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clearLeftovers, clearRun, recordRun, runFolder } from '@weir/adapters/demo/leftovers.js'
import { expect } from 'chai'

const id = `e${process.pid}`
const folder = join(tmpdir(), `weir-leftover-${process.pid}`)
const record = join(runFolder, `${id}.json`)

describe('what a demo leaves', () => {
  before(function () {
    if (process.getuid?.() !== 0) this.skip()
  })

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
    rmSync(record, { force: true })
  })

  it('is left alone while the run lives', async () => {
    mkdirSync(folder)
    await recordRun(id, [folder])
    expect(await clearLeftovers()).not.to.include(id)
    expect(existsSync(folder)).to.equal(true)
    await clearRun({ id, pid: process.pid, startTicks: '1', folders: [folder] })
    expect(existsSync(folder)).to.equal(false)
    expect(existsSync(record)).to.equal(false)
  })

  it('is cleared when the process is gone', async () => {
    mkdirSync(folder)
    const child = spawn('true')
    const pid = child.pid!
    await new Promise(resolve => child.on('exit', resolve))
    mkdirSync(runFolder, { recursive: true })
    writeFileSync(record, JSON.stringify({ id, pid, startTicks: '123', folders: [folder] }))
    expect(await clearLeftovers()).to.include(id)
    expect(existsSync(folder)).to.equal(false)
  })

  it('is cleared when another process has the number by now', async () => {
    mkdirSync(folder)
    mkdirSync(runFolder, { recursive: true })
    writeFileSync(record, JSON.stringify({ id, pid: process.pid, startTicks: '1', folders: [folder] }))
    expect(await clearLeftovers()).to.include(id)
    expect(existsSync(folder)).to.equal(false)
  })

  it('is never a folder that no run makes', async () => {
    const precious = join(tmpdir(), `precious-${process.pid}`)
    mkdirSync(precious)
    try {
      mkdirSync(runFolder, { recursive: true })
      writeFileSync(
        record,
        JSON.stringify({
          id,
          pid: 1,
          startTicks: '0',
          folders: [precious, `${tmpdir()}/weir-x/../precious-${process.pid}`],
        }),
      )
      expect(await clearLeftovers()).to.include(id)
      expect(existsSync(precious)).to.equal(true)
    } finally {
      rmSync(precious, { recursive: true })
    }
  })
})
