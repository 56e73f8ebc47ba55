import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = join(process.env.WEIR_CACHE ?? '/var/cache/weir', 'kubernetes', 'bin')

/** What is missing to run a real API server; undefined when nothing is. */
export function realServerObstacle(): string | undefined {
  const missing = ['etcd', 'kube-apiserver'].filter(name => !existsSync(join(folder, name)))
  return missing.length === 0 ? undefined : `${missing.join(' and ')} aren’t there: npm run test:kubernetes gets them`
}

export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** A port that nobody has right now. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** etcd and kube-apiserver on loopback, with roles enforced. */
export class RealServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'weir-kube-'))
  readonly kubeconfig = join(this.folder, 'kubeconfig')
  readonly #agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false, maxSockets: 32 })
  #etcd: ChildProcess | undefined
  #server: ChildProcess | undefined
  #etcdPort = 0
  #port = 0

  async start(): Promise<void> {
    this.#etcdPort = await freePort()
    this.#port = await freePort()
    const peers = await freePort()
    this.#prepare()
    const [client, peer] = [`http://127.0.0.1:${this.#etcdPort}`, `http://127.0.0.1:${peers}`]
    this.#etcd = this.#spawn('etcd', [
      ...[`--data-dir=${join(this.folder, 'etcd')}`, '--name=e', '--unsafe-no-fsync', '--log-level=error'],
      ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
      ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=e=${peer}`],
    ])
    await this.startServer()
  }

  /** The API server, whose data are still there. */
  async startServer(): Promise<void> {
    const key = join(this.folder, 'sa.pem')
    this.#server = this.#spawn('kube-apiserver', [
      ...[`--etcd-servers=http://127.0.0.1:${this.#etcdPort}`, `--secure-port=${this.#port}`, '--insecure-port=0'],
      ...['--bind-address=127.0.0.1', '--advertise-address=127.0.0.1', '--service-cluster-ip-range=10.96.0.0/16'],
      ...[
        `--tls-cert-file=${join(this.folder, 'server.crt')}`,
        `--tls-private-key-file=${join(this.folder, 'server.key')}`,
      ],
      ...['--service-account-issuer=https://weir.test', `--service-account-key-file=${key}`],
      ...[`--service-account-signing-key-file=${key}`, `--token-auth-file=${join(this.folder, 'tokens.csv')}`],
      ...['--authorization-mode=RBAC', '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition,Priority'],
      ...['--max-requests-inflight=0', '--max-mutating-requests-inflight=0', '--enable-priority-and-fairness=false'],
    ])
    for (;;) {
      const ready = await this.ask('GET', '/readyz').catch(() => undefined)
      if (ready?.status === 200) return
      if (this.#server.exitCode !== null)
        throw new Error(
          `kube-apiserver ended: ${readFileSync(join(this.folder, 'kube-apiserver.log'), 'utf8').slice(-2000)}`,
        )
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }

  async kill(): Promise<void> {
    await end(this.#server)
  }

  async stop(): Promise<void> {
    this.#agent.destroy()
    await end(this.#server)
    await end(this.#etcd)
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** As somebody who may do everything. */
  async ask(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<Answer> {
    // Without its length Node sends a DELETE's body as if it were the next request.
    const text = body === undefined ? '' : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const request = https.request(
        {
          host: '127.0.0.1',
          port: this.#port,
          path,
          method,
          agent: this.#agent,
          headers: {
            authorization: 'Bearer admin',
            'content-type': contentType,
            'content-length': Buffer.byteLength(text),
          },
        },
        answer => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.on('error', reject)
          answer.on('end', () => {
            const said = Buffer.concat(chunks).toString()
            resolve({ status: answer.statusCode ?? 0, body: said.startsWith('{') ? JSON.parse(said) : { said } })
          })
        },
      )
      request.on('error', error => {
        // The server was killed while the connection was kept for later.
        if (request.reusedSocket) resolve(this.ask(method, path, body, contentType))
        else reject(error)
      })
      request.end(text)
    })
  }

  /** The same, where anything but success is an error. */
  async do(method: string, path: string, body?: unknown, contentType?: string): Promise<Answer['body']> {
    const answer = await this.ask(method, path, body, contentType)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  /** Forgets all that was before, so that no watch can go on from there. */
  async compact(): Promise<void> {
    const etcd = async (path: string, body: object) => {
      const answer = await fetch(`http://127.0.0.1:${this.#etcdPort}${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
      })
      return (await answer.json()) as { header?: { revision: string } }
    }
    const { header } = await etcd('/v3/kv/range', { key: Buffer.from('x').toString('base64') })
    await etcd('/v3/kv/compaction', { revision: header?.revision, physical: true })
  }

  #prepare(): void {
    const at = (name: string): string => join(this.folder, name)
    const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' })
    openssl('genrsa', '-out', at('sa.pem'), '2048')
    openssl(
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=weir-test'],
      ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', at('server.key'), '-out', at('server.crt')],
    )
    const weir = 'system:serviceaccount:kube-system:weir'
    writeFileSync(at('tokens.csv'), `admin,admin,1,"system:masters"\nagent,${weir},2\n`)
    const config = {
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'weir' } }],
      clusters: [
        {
          name: 'test',
          cluster: { server: `https://127.0.0.1:${this.#port}`, 'certificate-authority': at('server.crt') },
        },
      ],
      users: [{ name: 'weir', user: { token: 'agent' } }],
    }
    writeFileSync(this.kubeconfig, JSON.stringify(config))
  }

  #spawn(name: string, args: readonly string[]): ChildProcess {
    const log = openSync(join(this.folder, `${name}.log`), 'a')
    const child = spawn(join(folder, name), args, { stdio: ['ignore', log, log], cwd: this.folder })
    // A test that ends in the middle leaves nothing behind.
    process.once('exit', () => child.kill('SIGKILL'))
    return child
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
