import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createMap, loadObject, openHandles, openRingBuffer } from 'ebpf-napi'
import { u32, u64 } from './bytes.js'
import { failureOf } from './failure.js'
import { needsBpf } from './needs.js'
import { compiled } from './programs.js'

interface Ending {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a script of ours to its end; `object` is the path of the compiled test programs. */
function run(script: string, flags: readonly string[] = []): Promise<Ending> {
  const prelude = `
    import * as ebpf from 'ebpf-napi'
    const path = ${JSON.stringify(compiled('basics'))}
    const object = ebpf.loadObject(path)
    const events = object.maps.get('events')
    const emit = count => object.programs.get('emit').testRun({
      context: new Uint8Array(new Uint32Array([count, 0, 0, 0]).buffer) })\n`
  return new Promise(resolve => {
    const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', prelude + script], {
      cwd: import.meta.dirname,
      timeout: 15_000,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', chunk => {
      stdout += chunk
    })
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

describe('ebpf-napi: lifecycle', function () {
  this.timeout(30_000)

  before(function () {
    needsBpf(this)
  })

  const clean = { code: 0, signal: null, stderr: '' }

  for (const [title, script] of [
    ['with everything left open', "ebpf.openRingBuffer(events, () => {}).unref(); process.stdout.write('end')"],
    [
      'by process.exit under a busy ring',
      "ebpf.openRingBuffer(events, () => { process.stdout.write('end'); process.exit(0) }); emit(5000)",
    ],
    [
      'after ref() and close()',
      "const ring = ebpf.openRingBuffer(events, () => { ring.close(); process.stdout.write('end') }); ring.unref().ref(); emit(1)",
    ],
    [
      'with records on their way when it closes',
      "const ring = ebpf.openRingBuffer(events, () => {}); emit(5000); ring.close(); object.close(); process.stdout.write('end')",
    ],
  ] as const) {
    it(`a process ends well ${title}`, async () => {
      expect(await run(script)).to.deep.equal({ ...clean, stdout: 'end' })
    })
  }

  it('an open ring buffer keeps the process alive', async () => {
    const ending = await run(`
      const started = Date.now()
      const ring = ebpf.openRingBuffer(events, () => {})
      setTimeout(() => ring.close(), 200).unref()
      process.on('exit', () => process.stdout.write(Date.now() - started >= 190 ? 'lived' : 'ended early'))`)
    expect(ending).to.deep.equal({ ...clean, stdout: 'lived' })
  })

  it('a throw in the callback is an uncaught exception', async () => {
    const ending = await run(`
      process.on('uncaughtException', error => { process.stdout.write(error.message); ring.close() })
      const ring = ebpf.openRingBuffer(events, () => { throw new Error('from the callback') })
      emit(1)`)
    expect(ending).to.deep.equal({ ...clean, stdout: 'from the callback' })
  })

  it('a worker is terminated while its ring is busy', async () => {
    const ending = await run(`
      import { Worker } from 'node:worker_threads'
      const source = \`
        import * as ebpf from 'ebpf-napi'
        import { parentPort } from 'node:worker_threads'
        const object = ebpf.loadObject(\${JSON.stringify(path)})
        ebpf.openRingBuffer(object.maps.get('events'), () => {})
        parentPort.postMessage('open')
        setInterval(() => object.programs.get('emit').testRun({
          context: new Uint8Array(new Uint32Array([2000, 0, 0, 0]).buffer) }), 1)\`
      for (let round = 0; round < 3; round++) {
        const worker = new Worker(source, { eval: true })
        await new Promise(resolve => worker.once('message', resolve))
        await new Promise(resolve => setTimeout(resolve, 30))
        await worker.terminate()
      }
      object.close()
      process.stdout.write(String(ebpf.openHandles().length))`)
    expect(ending).to.deep.equal({ ...clean, stdout: '0' })
  })

  it('handles close when they are collected', async () => {
    const ending = await run(
      `
      import { readdirSync } from 'node:fs'
      object.close()
      const count = () => readdirSync('/proc/self/fd').length
      const before = count()
      for (let index = 0; index < 500; index++) {
        ebpf.createMap({ type: 'array', name: 'weir_gc', keySize: 4, valueSize: 4, maxEntries: 1 })
      }
      for (let round = 0; round < 20 && count() > before; round++) {
        gc()
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      const left = count() - before
      process.stdout.write(left + ' ' + ebpf.openHandles().length)`,
      ['--expose-gc'],
    )
    expect(ending).to.deep.equal({ ...clean, stdout: '0 0' })
  })

  it('nothing leaks over 10,000 opens and closes', () => {
    const source = compiled('basics')
    const before = descriptors()
    const open = openHandles().length
    for (let round = 0; round < 10_000; round++) {
      const map = createMap({ type: 'array', name: 'weir_leak', keySize: 4, valueSize: 8, maxEntries: 1 })
      map.update(u32(0), u64(round))
      const copy = map.dup()
      if (round % 500 === 0) {
        const object = loadObject(source)
        const events = object.maps.get('events')
        if (events !== undefined) {
          openRingBuffer(events, () => undefined).close()
        }
        object.close()
        failureOf(() => loadObject(compiled('rejected')))
      }
      map.close()
      copy.close()
    }
    expect(descriptors()).to.equal(before)
    expect(openHandles()).to.have.lengthOf(open)
  })

  it('open handles are listed with the call that made them', () => {
    const before = openHandles().length
    const map = createMap({ type: 'array', name: 'weir_list', keySize: 4, valueSize: 4, maxEntries: 1 })
    expect(openHandles()).to.deep.include({ kind: 'map', call: 'bpf(BPF_MAP_CREATE)', name: 'weir_list' })
    map.close()
    expect(openHandles()).to.have.lengthOf(before)
  })

  it('a second close does nothing; use after close is a typed error', () => {
    const object = loadObject(compiled('basics'))
    const map = object.maps.get('runs')
    const program = object.programs.get('tc_answer')
    object.close()
    object.close()
    for (const call of [
      () => map?.lookup(u32(0)),
      () => map?.update(u32(0), u64(0)),
      () => map?.lookupBatch(),
      () => map?.pin('/x'),
      () => map?.dup(),
      () => program?.testRun({ data: new Uint8Array(64) }),
      () => program?.attachXdp(1),
      () => program?.info(),
    ]) {
      expect(failureOf(call).code).to.equal('ERR_EBPF_CLOSED')
    }
  })

  it('an addon that was not built says how to build it', async () => {
    const folder = mkdtempSync('/tmp/weir-unbuilt-')
    try {
      const dist = dirname(fileURLToPath(import.meta.resolve('ebpf-napi')))
      cpSync(dist, join(folder, 'dist'), { recursive: true })
      cpSync(join(dist, '..', 'package.json'), join(folder, 'package.json'))
      symlinkSync(join(dist, '..', 'src'), join(folder, 'src'))
      const found = await import(join(folder, 'dist', 'index.js')).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(found).to.include({ name: 'EbpfError', code: 'ERR_EBPF_NOT_BUILT' })
      expect((found as Error).message).to.include('npm run build:native')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
