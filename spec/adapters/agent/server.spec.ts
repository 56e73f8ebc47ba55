import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AgentServer, notFound, type Question, serve } from '@weir/adapters/agent/server.js'
import { agentClient } from '@weir/adapters/cli/client.js'
import { WeirError } from '@weir/core'
import { expect } from 'chai'

/** All that comes back, until the server closes. */
function raw(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(path, () => socket.write(text))
    socket.on('data', part => (answer += String(part)))
    socket.on('close', () => resolve(answer))
    socket.on('error', error => (answer === '' ? reject(error) : resolve(answer)))
  })
}

/** Whoever the kernel lets connect. */
const access = { mode: 0o600, check: () => {} }

describe('the agent’s socket', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-socket-'))
  const path = join(folder, 'agent.sock')
  let server: AgentServer | undefined
  let stopped = 0

  async function answer(question: Question) {
    const [subject] = question.path
    if (subject === 'lines')
      return {
        kind: 'lines' as const,
        lines: (line: (value: object) => void, end: () => void) => {
          line({ n: 1 })
          const timer = setTimeout(() => {
            line({ n: 2 })
            if (question.query.get('follow') === null) end()
          }, 5)
          return () => {
            clearTimeout(timer)
            stopped++
          }
        },
      }
    if (subject === 'echo')
      return { kind: 'value' as const, value: { name: question.query.get('name'), body: question.body ?? null } }
    if (subject === 'defect') throw new TypeError('x is not a function')
    throw notFound(question.path.join('/'))
  }

  beforeEach(async () => {
    server = await serve(path, access, answer)
  })
  afterEach(() => server?.close())
  after(() => rmSync(folder, { recursive: true }))

  it('is open to its owner alone', () => {
    expect(statSync(path).mode & 0o777).to.equal(0o600)
  })

  it('answers with JSON', async () => {
    expect(await agentClient(path).get('/v1/echo', { name: 'ä/b', other: undefined })).to.deep.equal({
      name: 'ä/b',
      body: null,
    })
  })

  it('passes a typed error on as it is', async () => {
    const failure = await agentClient(path)
      .get('/v1/nothing')
      .catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(WeirError).and.have.property('code', 'WEIR_NOT_FOUND')
    expect((failure as WeirError).payload).to.deep.include({ name: 'nothing' })
  })

  it('says what went wrong without a stack when it is a defect', async () => {
    const failure = await agentClient(path)
      .get('/v1/defect')
      .catch((error: Error) => error)
    expect((failure as Error).message).to.equal('x is not a function')
  })

  it('streams lines until the end, and lets go when the reader leaves', async () => {
    const lines: object[] = []
    for await (const line of agentClient(path).stream<object>('/v1/lines', [], new AbortController().signal))
      lines.push(line)
    expect(lines).to.deep.equal([{ n: 1 }, { n: 2 }])
    stopped = 0
    const leaving = new AbortController()
    for await (const _ of agentClient(path).stream<object>('/v1/lines', [['follow', 'true']], leaving.signal))
      leaving.abort()
    for (let waited = 0; stopped === 0 && waited < 100; waited++) await new Promise(resolve => setTimeout(resolve, 10))
    expect(stopped).to.equal(1)
  })

  it('is said to be gone when it ends in the middle of an answer', async () => {
    const dying = createServer((asked, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('{"n":1}\n', () => asked.socket.destroy())
    })
    const there = join(folder, 'dying.sock')
    await new Promise<void>(resolve => dying.listen(there, resolve))
    try {
      const client = agentClient(there)
      const lines: object[] = []
      const follow = async (): Promise<void> => {
        for await (const line of client.stream<object>('/v1/lines', [], new AbortController().signal)) lines.push(line)
      }
      for (const work of [follow(), client.get('/v1/status'), client.post('/v1/echo', {})]) {
        const failure = await work.catch((error: unknown) => error)
        expect(failure).to.be.instanceOf(WeirError).and.have.property('code', 'WEIR_AGENT_UNREACHABLE')
        expect((failure as WeirError).message).to.match(/the agent ended/)
      }
      expect(lines).to.deep.equal([{ n: 1 }])
    } finally {
      dying.close()
    }
  })

  it('refuses a body that is no JSON or too long', async () => {
    const post = (body: string): Promise<{ status: number; code: string }> =>
      new Promise((resolve, reject) => {
        const asking = request({ socketPath: path, path: '/v1/echo', method: 'POST' }, response => {
          let text = ''
          response.on('data', part => (text += String(part)))
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, code: (JSON.parse(text) as { code: string }).code }),
          )
        })
        asking.on('error', reject)
        asking.end(body)
      })
    expect(await post('{')).to.deep.equal({ status: 400, code: 'WEIR_REQUEST_INVALID' })
    expect(await post(`"${'x'.repeat(1024 * 1024)}"`)).to.deep.equal({ status: 400, code: 'WEIR_REQUEST_INVALID' })
  })

  it('isn’t taken from an agent that answers, but is from one that is gone', async () => {
    const second = await serve(path, access, answer).catch((error: unknown) => error)
    expect(second).to.be.instanceOf(WeirError).and.have.property('message').that.includes('another agent answers')
    const aside = join(folder, 'aside.sock')
    renameSync(path, aside)
    await server!.close()
    renameSync(aside, path)
    server = await serve(path, access, answer)
    expect(await agentClient(path).get('/v1/echo')).to.deep.equal({ name: null, body: null })
  })

  it('never takes the place of a file that is no socket', async () => {
    const file = join(folder, 'notes.txt')
    writeFileSync(file, 'mine')
    const failure = await serve(file, access, answer).catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(WeirError).and.have.property('message').that.includes('is no socket')
    expect(readFileSync(file, 'utf8')).to.equal('mine')
  })

  it('refuses what is no address of a question', async () => {
    for (const target of ['/v1/echo/%zz', '//', 'http://[:::/v1/echo', '/v1/echo/%ff'])
      expect(await raw(path, `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`), target)
        .to.match(/^HTTP\/1.1 400 /)
        .and.to.contain('WEIR_REQUEST_INVALID')
  })

  it('answers at once who sends a body without end, and lets go', async () => {
    const head = 'POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n'
    expect(await raw(path, head + 'x'.repeat(1024 * 1024 + 1))).to.match(/^HTTP\/1.1 400 .*the body is too long/s)
  })

  it('says where nobody answers', async () => {
    await server!.close()
    const failure = await agentClient(path)
      .get('/v1/status')
      .catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(WeirError).and.have.property('code', 'WEIR_AGENT_UNREACHABLE')
  })
})
