import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@weir/adapters/kubernetes/credentials.js'
import { HttpApi } from '@weir/adapters/kubernetes/http-api.js'
import { WeirError } from '@weir/core'
import { expect } from 'chai'
import { ApiServer } from './api-server.js'

describe('credentials for an API server', function () {
  this.timeout(20_000)
  const folder = mkdtempSync(join(tmpdir(), 'weir-credentials-'))
  const kubeconfig = join(folder, 'config')
  const token = join(folder, 'token')
  const server = new ApiServer()
  const never = new AbortController().signal
  let nowMs = 1_000_000
  const write = (user: object): void =>
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        'current-context': 'one',
        contexts: ['one', 'two'].map(name => ({ name, context: { cluster: name, user: 'u' } })),
        clusters: [
          { name: 'one', cluster: { server: server.url.href, 'insecure-skip-tls-verify': true } },
          { name: 'two', cluster: { server: 'http://127.0.0.1:1/prefix', 'insecure-skip-tls-verify': true } },
        ],
        users: [{ name: 'u', user }],
      }),
    )
  const api = async () => new HttpApi(await connect({ kubeconfig }, () => nowMs))
  const failure = async (work: Promise<unknown>): Promise<WeirError> => {
    try {
      await work
    } catch (error) {
      if (error instanceof WeirError) return error
      throw error
    }
    throw new TypeError('it is expected to fail')
  }

  before(() => server.start())
  after(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })
  beforeEach(() => {
    server.requests.length = 0
    server.fault = () => undefined
  })

  it('are a token of the kubeconfig', async () => {
    write({ token: 'first' })
    await (await api()).get('/api/v1/pods', never)
    expect(server.requests.map(({ authorization }) => authorization)).to.deep.equal(['Bearer first'])
  })
  it('are a token in a file, read anew as it is replaced', async () => {
    writeFileSync(token, 'first')
    write({ 'auth-provider': { name: 'tokenFile', config: { tokenFile: token } } })
    const given = await api()
    await given.get('/api/v1/pods', never)
    writeFileSync(token, 'second')
    await given.get('/api/v1/pods', never)
    nowMs += 61_000
    await given.get('/api/v1/pods', never)
    expect(server.requests.map(({ authorization }) => authorization)).to.deep.equal([
      'Bearer first',
      'Bearer first',
      'Bearer second',
    ])
  })
  it('are read anew at once when the server refuses them', async () => {
    write({ token: 'old' })
    const given = await api()
    await given.get('/api/v1/pods', never)
    write({ token: 'new' })
    server.fault = ({ authorization }) => (authorization === 'Bearer old' ? { kind: 'status', status: 401 } : undefined)
    await given.get('/api/v1/pods', never)
    expect(server.requests.at(-1)?.authorization).to.equal('Bearer new')
    expect(server.requests).to.have.length(3)
  })
  it('are waited for only so long where a program makes them, and not once nobody wants them', async () => {
    const started = join(folder, 'started')
    const script = `echo x >> ${started}; exec sleep 5`
    write({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] } })
    const given = new HttpApi(await connect({ kubeconfig }, () => nowMs), { silenceMs: 200 })
    const slow = await failure(given.get('/api/v1/pods', never))
    expect(slow.code).to.equal('WEIR_KUBERNETES_CONFIG')
    expect(slow.message).to.match(/says nothing for 0\.2 s/)
    nowMs += 61_000
    const stopping = new AbortController()
    const asked = given.get('/api/v1/pods', stopping.signal)
    stopping.abort()
    await failure(asked)
    expect(server.requests).to.deep.equal([])
    // The one that is asked already is waited for; there is no second one.
    expect(readFileSync(started, 'utf8')).to.equal('x\n')
  })
  it('are in no message when the server refuses them for good', async () => {
    write({ token: 'top-secret' })
    server.fault = () => ({ kind: 'status', status: 401 })
    const error = await failure((await api()).get('/api/v1/pods?limit=1&continue=abc', never))
    expect(error.payload).to.deep.equal({
      path: '/api/v1/pods',
      status: 401,
      reason: 'refused with 401',
      retryAfterMs: 0,
    })
    expect(JSON.stringify([error, error.message, error.cause, error.stack])).to.not.match(/top-secret|abc/)
  })
  it('are of the context that is asked for, whose server may have a path', async () => {
    write({ token: 'first' })
    const { server: found } = await connect({ kubeconfig, context: 'two' }, () => nowMs)
    expect(found.href).to.equal('http://127.0.0.1:1/prefix')
    const error = await failure(connect({ kubeconfig, context: 'three' }, () => nowMs))
    expect(error.message).to.match(/there is no context three; there are one, two$/)
  })
  it('say what is wrong with a kubeconfig', async () => {
    const missing = await failure(connect({ kubeconfig: join(folder, 'none') }, () => nowMs))
    expect(missing.code).to.equal('WEIR_KUBERNETES_CONFIG')
    expect(missing.message).to.match(/can't be used: ENOENT/)
    writeFileSync(kubeconfig, '{"clusters": [')
    expect((await failure(connect({ kubeconfig }, () => nowMs))).code).to.equal('WEIR_KUBERNETES_CONFIG')
  })
})
