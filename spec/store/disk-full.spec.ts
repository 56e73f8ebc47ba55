import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, rm, unlink, writeFile } from 'node:fs/promises'
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
})
