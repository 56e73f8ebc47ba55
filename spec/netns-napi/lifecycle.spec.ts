import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

interface Ending {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

function run(script: string): Promise<Ending> {
  const prelude = "import * as netns from 'netns-napi'\nconst here = '/proc/self/ns/net'\n"
  return new Promise(resolve => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + script], {
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

describe('netns-napi: lifecycle', function () {
  this.timeout(20_000)

  const clean = { code: 0, signal: null, stderr: '' }
  const listen = "const listener = netns.listenStreamIn(here, { address: '127.0.0.1', protocol: 6 })\n"

  before(function () {
    if (process.getuid?.() !== 0) {
      if (this.test !== undefined) {
        this.test.title += ' [needs root]'
      }
      this.skip()
    }
  })

  it('a process exits well while sockets wait', async () => {
    const ending = await run(`${listen}setTimeout(() => { process.stdout.write('end'); process.exit(0) }, 50)`)
    expect(ending).to.deep.equal({ ...clean, stdout: 'end' })
  })

  it('a process ends by itself once all is closed', async () => {
    const ending = await run(`${listen}await listener.close(); process.stdout.write('end')`)
    expect(ending).to.deep.equal({ ...clean, stdout: 'end' })
  })

  it('a worker is terminated while sockets wait', async () => {
    const ending = await run(`
      import { Worker } from 'node:worker_threads'
      const source = \`
        import * as netns from 'netns-napi'
        import { parentPort } from 'node:worker_threads'
        const listener = netns.listenStreamIn('/proc/self/ns/net', { address: '127.0.0.1', protocol: 6 })
        parentPort.postMessage(listener.port)
        setInterval(() => netns.reachStreamIn('/proc/self/ns/net',
          { address: '127.0.0.1', port: listener.port, protocol: 6 }).catch(() => {}), 1)\`
      for (let round = 0; round < 3; round++) {
        const worker = new Worker(source, { eval: true })
        await new Promise(resolve => worker.once('message', resolve))
        await new Promise(resolve => setTimeout(resolve, 30))
        await worker.terminate()
      }
      process.stdout.write('end')`)
    expect(ending).to.deep.equal({ ...clean, stdout: 'end' })
  })

  it('an addon that was not built says how to build it', async () => {
    const folder = mkdtempSync('/tmp/weir-unbuilt-')
    try {
      const dist = dirname(fileURLToPath(import.meta.resolve('netns-napi')))
      cpSync(dist, join(folder, 'dist'), { recursive: true })
      cpSync(join(dist, '..', 'package.json'), join(folder, 'package.json'))
      const found = await import(join(folder, 'dist', 'index.js')).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(found).to.include({ name: 'NetnsError', code: 'ERR_NETNS_NOT_BUILT' })
      expect((found as Error).message).to.include('npm run build:native')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
