import { cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WeirError } from '@weir/core/errors.js'
import { EventLog } from '@weir/store'
import { expect } from 'chai'
import { startAppender } from './child.js'
import { codeOf } from './conformance.js'
import { killRounds } from './crash.js'
import { draftsOf, readAll } from './drafts.js'
import { folderPlace, storageAt } from './places.js'

/** Name, size, time and content of every file. */
async function picture(folder: string): Promise<unknown[]> {
  const names = (await readdir(folder, { recursive: true })).sort()
  return Promise.all(
    names.map(async name => {
      const about = await stat(join(folder, name))
      const content = about.isFile() ? (await readFile(join(folder, name))).toString('base64') : ''
      return [name, about.size, about.mtimeMs, about.ctimeMs, content]
    }),
  )
}

describe('a log and other processes', function () {
  this.timeout(60_000)

  it('loses nothing acknowledged to kill -9', () => killRounds(6, Math.random))

  it('tells a second writer who holds it, and lets it in after kill -9', async () => {
    const place = await folderPlace()
    const child = startAppender(place.path, 1, 1)
    try {
      await child.reached(5)
      const error = await EventLog.open({ storage: storageAt(place.path) }).catch(error => error as WeirError)
      expect(error).to.have.property('code', 'WEIR_LOG_LOCKED')
      expect(error).to.have.nested.property('payload.holder.pid', child.process.pid)
      expect(error).to.have.nested.property('payload.holder.command', 'spec')
      expect((error as WeirError).message)
        .to.contain(`process ${child.process.pid} (spec)`)
        .and.contain('copy')
      expect(await codeOf(EventLog.openReadOnly({ path: place.path }))).to.equal('WEIR_LOG_LOCKED')
      child.process.kill('SIGKILL')
      await child.ended
      const log = await EventLog.open({ storage: storageAt(place.path) })
      expect(log.head.seq).to.be.at.least(4)
      await log.close()
    } finally {
      child.process.kill('SIGKILL')
      await child.ended
      await place.remove()
    }
  })

  it('is not held by a process that only has the pid of a former holder', async () => {
    const place = await folderPlace()
    try {
      const log = await EventLog.open({ storage: storageAt(place.path) })
      await log.append(draftsOf(3))
      const file = join(place.path, 'holder.json')
      const left = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
      await log.close()
      for (const stale of [{ ...left, started: '1' }, { ...left, pid: 2 ** 22 + 1 }, 'not a holder']) {
        await writeFile(file, JSON.stringify(stale))
        const copy = await EventLog.openReadOnly({ path: place.path })
        expect(copy.head.seq).to.equal(3)
        await copy.close()
      }
      await writeFile(file, JSON.stringify(left))
      expect(await codeOf(EventLog.openReadOnly({ path: place.path }))).to.equal('WEIR_LOG_LOCKED')
    } finally {
      await place.remove()
    }
  })

  it('reads a copy of a log that another process keeps writing', async () => {
    const place = await folderPlace()
    const child = startAppender(place.path, 20, 4, 2000)
    try {
      for (let round = 1; round <= 4; round++) {
        const said = await child.reached(round * 150)
        const acknowledged = Math.max(...said.slice(1).map(Number))
        const log = await EventLog.openReadOnly({ path: place.path, whileHeld: true })
        expect(log.head.seq).to.be.at.least(acknowledged)
        expect((await log.verify()).findings).to.deep.equal([])
        await log.close()
      }
      expect(child.process.exitCode).to.equal(null)
    } finally {
      child.process.kill('SIGKILL')
      await child.ended
      await place.remove()
    }
  })

  it('reads without leaving a trace, in the log or elsewhere', async () => {
    const place = await folderPlace()
    const copies = async (): Promise<string[]> => (await readdir(tmpdir())).filter(name => name.startsWith('weir-log-'))
    try {
      const written = await EventLog.open({ storage: storageAt(place.path) })
      await written.append(draftsOf(100))
      await written.close()
      const before = [await picture(place.path), await copies()]
      const log = await EventLog.openReadOnly({ path: place.path })
      expect(await readAll(log)).to.have.length(100)
      expect(log.head).to.deep.equal(written.head)
      expect(await codeOf(log.append(draftsOf(1)))).to.equal('WEIR_LOG_READ_ONLY')
      expect(await codeOf(log.import([]))).to.equal('WEIR_LOG_READ_ONLY')
      expect(await codeOf(log.snapshots.write('engine', 1, 1))).to.equal('WEIR_LOG_READ_ONLY')
      await log.close()
      expect([await picture(place.path), await copies()]).to.deep.equal(before)
    } finally {
      await place.remove()
    }
  })

  it('is a folder that can be copied, and says when one is no log', async () => {
    const place = await folderPlace()
    const other = await folderPlace()
    try {
      expect(await codeOf(EventLog.openReadOnly({ path: other.path }))).to.equal('WEIR_LOG_UNREADABLE')
      const log = await EventLog.open({ storage: storageAt(place.path) })
      await log.append(draftsOf(10))
      await log.close()
      await cp(place.path, other.path, { recursive: true })
      const copy = await EventLog.open({ storage: storageAt(other.path) })
      expect(copy.head).to.deep.equal(log.head)
      await copy.close()
    } finally {
      await place.remove()
      await other.remove()
    }
  })

  it('is refused, not begun anew, when CURRENT is lost', async () => {
    const place = await folderPlace()
    try {
      const log = await EventLog.open({ storage: storageAt(place.path) })
      await log.append(draftsOf(10))
      await log.close()
      const current = join(place.path, 'db/CURRENT')
      const text = await readFile(current)
      await rm(current)
      const files = await readdir(join(place.path, 'db'))
      expect(await codeOf(EventLog.open({ storage: storageAt(place.path) }))).to.equal('WEIR_LOG_UNREADABLE')
      expect(await readdir(join(place.path, 'db'))).to.deep.equal(files)
      await writeFile(current, text)
      const again = await EventLog.open({ storage: storageAt(place.path) })
      expect(again.head).to.deep.equal(log.head)
      await again.close()
    } finally {
      await place.remove()
    }
  })
})
