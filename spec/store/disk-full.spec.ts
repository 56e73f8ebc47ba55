import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, readdir, rm, statfs, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventLog } from '@weir/store'
import { expect } from 'chai'
import { startAppender } from './child.js'
import { draftsOf, readAll } from './drafts.js'
import { storageAt } from './places.js'

/** A tmpfs needs CAP_SYS_ADMIN; without it there is no small disk to fill. */
function mountSmall(folder: string): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'weir-spec', folder], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

describe('a full disk (requires the right to mount a tmpfs)', function () {
  this.timeout(60_000)
  let folder: string
  let mounted = false

  before(async function () {
    folder = await mkdtemp(join(tmpdir(), 'weir-spec-disk-'))
    const refused = mountSmall(folder)
    mounted = refused === undefined
    if (!mounted) this.skip()
  })

  after(async () => {
    if (mounted) execFileSync('umount', [folder])
    await rm(folder, { recursive: true, force: true })
  })

  it('ends the intake with a typed error, keeps what was acknowledged, and goes on once there is room', async () => {
    // Room that can be given back later, as an operator would.
    await writeFile(join(folder, 'ballast'), Buffer.alloc(6 << 20))
    const path = join(folder, 'log')
    const child = startAppender(path, 10, 4, 1000)
    await child.ended
    const said = child.lines()
    const acknowledged = Math.max(...said.filter(line => /^\d+$/.test(line)).map(Number))
    const [code, durable] = (said.at(-1) as string).split(' ')
    expect(code).to.equal('WEIR_LOG_WRITE_FAILED')
    expect(acknowledged).to.be.greaterThan(0)
    expect(Number(durable)).to.be.at.least(acknowledged)
    expect(await readdir(path)).to.include('db')
    await unlink(join(folder, 'ballast'))
    const log = await EventLog.open({ storage: storageAt(path) })
    try {
      expect(log.head.seq).to.be.at.least(Number(durable))
      expect((await log.verify()).findings).to.deep.equal([])
      expect((await readAll(log)).slice(-1)[0]?.seq).to.equal(log.head.seq)
      const { first } = await log.append(draftsOf(5))
      expect(first).to.equal(log.head.seq - 4)
    } finally {
      await log.close()
    }
  })

  it('acknowledges nothing behind a snapshot that found no room: LevelDB would lose it', async () => {
    const path = join(folder, 'snapshot')
    const copy = join(folder, 'copy')
    let acknowledged = 0
    const log = await EventLog.open({ storage: storageAt(path) })
    try {
      acknowledged = (await log.append(draftsOf(5))).last
      const { bavail, bsize } = await statfs(folder)
      await writeFile(join(folder, 'ballast'), Buffer.alloc(bavail * bsize - 60_000))
      const failed = await log.snapshots.write('engine', 5, randomBytes(300_000)).catch((error: unknown) => error)
      expect(failed).to.include({ code: 'WEIR_LOG_WRITE_FAILED' })
      await unlink(join(folder, 'ballast'))
      for (let round = 0; round < 10; round++)
        acknowledged = (await log.append(draftsOf(5)).catch(() => ({ last: acknowledged }))).last
      await cp(path, copy, { recursive: true })
    } finally {
      await log.close()
    }
    // As a crash would leave it, and as an orderly end does.
    for (const place of [copy, path]) {
      const again = await EventLog.open({ storage: storageAt(place) })
      expect(again.head.seq).to.be.at.least(acknowledged)
      expect((await again.append(draftsOf(1))).first).to.equal(again.head.seq)
      await again.close()
    }
  })
})
