import { spawn } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { Inotify, type InotifyError, type InotifyEvent, inotifyBits } from 'inotify-napi'

const bits = inotifyBits
const everything = bits.modify | bits.closeWrite | bits.create | bits.delete | bits.movedFrom | bits.movedTo

const said = ({ mask, name }: InotifyEvent): string => {
  const names = Object.entries(bits).filter(([, bit]) => (mask & bit) !== 0)
  return `${names.map(([word]) => word).join('+')} ${name}`
}

describe('inotify-napi', () => {
  let folder: string
  let inotify: Inotify
  let told: InotifyEvent[]

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'weir-inotify-'))
    told = []
    inotify = new Inotify(events => told.push(...events))
  })
  afterEach(() => {
    inotify.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const failure = (work: () => unknown): InotifyError => {
    try {
      work()
    } catch (error) {
      return error as InotifyError
    }
    throw new Error('nothing was thrown')
  }

  it('tells that a file is being written, and when it is closed', () => {
    inotify.watch(folder, everything)
    const file = openSync(join(folder, 'a'), 'w')
    writeSync(file, 'one')
    expect(inotify.take().map(said)).to.deep.equal(['create a', 'modify a'])
    closeSync(file)
    expect(inotify.take().map(said)).to.deep.equal(['closeWrite a'])
    writeFileSync(join(folder, 'a'), 'two')
    // Cut to nothing, then filled: the kernel makes one event of equal ones in a row.
    expect(inotify.take().map(said)).to.deep.equal(['modify a', 'closeWrite a'])
    expect(inotify.take()).to.deep.equal([])
  })

  it('tells of events by the event loop, both halves of a rename with one cookie', async () => {
    const watch = inotify.watch(folder, everything)
    mkdirSync(join(folder, 'sub'))
    renameSync(join(folder, 'sub'), join(folder, 'süd'))
    for (let waited = 0; waited < 2000 && told.length < 3; waited += 5) await pause(5)
    expect(told.map(said)).to.deep.equal(['create+isDir sub', 'movedFrom+isDir sub', 'movedTo+isDir süd'])
    expect(told.map(event => event.watch)).to.deep.equal([watch, watch, watch])
    expect(told[1]?.cookie).to.be.greaterThan(0).and.equal(told[2]?.cookie)
    expect(told[0]?.cookie).to.equal(0)
  })

  it('hands over more events than fit into one read, all of them and in order', () => {
    inotify.watch(folder, bits.closeWrite)
    const names = Array.from({ length: 1500 }, (_, n) => `${n}-${'x'.repeat(40)}`)
    for (const name of names) appendFileSync(join(folder, name), 'x')
    expect(inotify.take().map(({ name }) => name)).to.deep.equal(names)
  })

  it('tells nothing of a watch that is given up, but that it is over', () => {
    const watch = inotify.watch(folder, everything)
    inotify.forget(watch)
    inotify.forget(watch)
    writeFileSync(join(folder, 'a'), '')
    expect(inotify.take().map(said)).to.deep.equal(['ignored '])
  })

  it('says what is wrong with a path, and that it is closed', () => {
    expect(failure(() => inotify.watch(join(folder, 'none'), everything)))
      .to.include({ name: 'InotifyError', code: 'ENOENT', call: 'inotify_add_watch' })
      .and.have.property('message')
      .that.includes(join(folder, 'none'))
    writeFileSync(join(folder, 'file'), '')
    expect(failure(() => inotify.watch(join(folder, 'file'), bits.modify | bits.onlyDir)).code).to.equal('ENOTDIR')
    inotify.close()
    inotify.close()
    expect(failure(() => inotify.watch(folder, everything)).code).to.equal('EBADF')
    expect(inotify.take()).to.deep.equal([])
  })

  const ending = (script: string): Promise<{ code: number | null; signal: string | null; stderr: string }> =>
    new Promise(resolve => {
      const prelude = "import { Inotify, inotifyBits } from 'inotify-napi'\nconst inotify = new Inotify(() => {})\n"
      const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + script], {
        cwd: import.meta.dirname,
        timeout: 10_000,
      })
      let stderr = ''
      child.stderr.on('data', chunk => {
        stderr += chunk
      })
      child.on('close', (code, signal) => resolve({ code, signal, stderr }))
    })

  it('lets a process end: by itself when closed, at once when told to, and a worker with it', async () => {
    const clean = { code: 0, signal: null, stderr: '' }
    const watch = `inotify.watch('/tmp', inotifyBits.create)\n`
    expect(await ending(`${watch}setTimeout(() => inotify.close(), 20)`)).to.deep.equal(clean)
    expect(await ending(`${watch}setTimeout(() => process.exit(0), 20)`)).to.deep.equal(clean)
    const worker = `
      import { Worker } from 'node:worker_threads'
      inotify.close()
      const code = "import { parentPort } from 'node:worker_threads';" +
        "const { Inotify } = await import('inotify-napi'); new Inotify(() => {}).watch('/tmp', 0x100);" +
        "parentPort.postMessage(1)"
      const worker = new Worker(code, { eval: true })
      worker.on('message', () => void worker.terminate())`
    expect(await ending(worker)).to.deep.equal(clean)
  })

  it('tells a throw of the callback to the process', async () => {
    const found = await ending(`
      import { writeFileSync } from 'node:fs'
      inotify.close()
      const thrower = new Inotify(() => { throw new Error('mine') })
      process.on('uncaughtException', error => process.exit(error.message === 'mine' ? 7 : 1))
      thrower.watch('${folder}', inotifyBits.create)
      writeFileSync('${folder}/a', '')`)
    expect(found.code).to.equal(7)
  })
})
