import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { runCommand } from '@weir/adapters/cli/main.js'
import { ReaderGone, type Terminal } from '@weir/adapters/cli/terminal.js'
import { type Digest, WeirError } from '@weir/core'
import { kinds } from '@weir/adapters/agent/protocol.js'
import { expect } from 'chai'
import { allow, http, pod, smallShop } from '../agent/cluster.js'

interface Ran {
  readonly code: number
  readonly out: readonly string[]
  readonly err: string
}

const plain = (text: string): string => text

/** Runs a command line as a user would see it. */
async function weir(
  line: string,
  options: { env?: Record<string, string>; signal?: AbortSignal; readerLeavesAfter?: number } = {},
): Promise<Ran> {
  const out: string[] = []
  const err: string[] = []
  const terminal: Terminal = {
    line: async text => {
      if (out.length >= (options.readerLeavesAfter ?? Number.POSITIVE_INFINITY)) throw new ReaderGone()
      out.push(...text.split('\n'))
    },
    note: text => void err.push(text),
    colour: { good: plain, bad: plain, dim: plain, strong: plain },
    widthColumns: 120,
  }
  const interrupted = options.signal ?? new AbortController().signal
  const code = await runCommand(
    line.split(' ').filter(word => word !== ''),
    { terminal, workingFolder: tmpdir(), stdin: Readable.from([]), environment: options.env ?? {}, interrupted },
  )
  return { code, out, err: err.join('\n') }
}

describe('the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-cli-'))
  const state = join(folder, 'state')
  const socket = join(folder, 'agent.sock')
  const at = `--socket ${socket}`
  let agent: Agent

  before(async () => {
    agent = await createAgent({
      stateFolder: state,
      socketPath: socket,
      node: 'n1',
      nodeAddresses: ['10.0.0.1', 'fd00::1'],
      backend: 'memory',
      clock: systemClock,
    })
    await agent.submit(
      'spec',
      smallShop.filter(body => body.kind !== 'agent.configured' && body.kind !== 'node.upserted'),
    )
    await agent.submit('manifests:/shop/bad.yaml:3', [
      {
        kind: 'input.refused',
        object: { kind: 'NetworkPolicy', namespace: 'shop', name: 'cart' },
        problems: [
          {
            file: '/shop/bad.yaml',
            line: 9,
            path: 'spec.ingress[0].ports[0].port',
            message: 'no port has this number',
            value: '99999',
            expected: '1 to 65535',
          },
        ],
      },
    ])
    await agent.attachEndpoint({
      namespace: 'shop',
      pod: 'web',
      ifindex: 7,
      ifname: 'weir7',
      hostMac: '0a:57:48:00:00:07',
      podMac: '0a:57:50:00:00:07',
    })
  })
  after(async () => {
    await agent.stop()
    rmSync(folder, { recursive: true })
  })

  describe('get', () => {
    it('lists pods as a table with headings', async () => {
      const { code, out } = await weir(`get pods ${at}`)
      expect(code).to.equal(0)
      expect(out[0]).to.match(/^NAMESPACE {3}NAME +ADDRESSES/)
      expect(out.slice(1).map(line => line.split(/ {3,}/).slice(0, 2).join('/'))).to.deep.equal([
        'shop/cart',
        'shop/db',
        'shop/web',
      ])
      expect(out[3]).to.match(/ true +n1/)
    })

    it('shows a refused version beside the one in force, with file and line', async () => {
      const { out } = await weir(`get policies ${at}`)
      expect(out[1]).to.include('in force; newer version refused')
      expect(out[2]!.trim()).to.equal(
        '/shop/bad.yaml:9: spec.ingress[0].ports[0].port: no port has this number: 99999; expected 1 to 65535',
      )
    })

    it('gives all fields as JSON, and one object by name', async () => {
      const { out } = await weir(`get pods cart -o json ${at}`)
      const [cart] = JSON.parse(out[0]!) as Record<string, unknown>[]
      expect(cart).to.deep.include({ namespace: 'shop', name: 'cart', attached: false, ports: ['8080/TCP http'] })
    })

    for (const kind of kinds)
      it(`knows ${kind}`, async () => expect((await weir(`get ${kind} ${at}`)).code).to.equal(0))

    it('says what there is when a name is wrong (5), and which kinds there are (2)', async () => {
      const nobody = await weir(`get pods carx ${at}`)
      expect(nobody.code).to.equal(5)
      expect(nobody.err).to.include('there is: shop/cart')
      const kind = await weir(`get potatoes ${at}`)
      expect(kind.code).to.equal(2)
      expect(kind.err).to.include('policies')
    })
  })

  describe('why', () => {
    it('names verdict, rule and event', async () => {
      const { code, out } = await weir(`why web cart:8080 ${at}`)
      expect(code).to.equal(0)
      expect(out[0]).to.equal('shop/web → shop/cart 8080/TCP  allowed')
      expect(out[1]).to.include('10.0.0.2 → 10.0.0.3, fd00::2 → fd00::3')
      expect(out.join('\n')).to.match(/ingress allows: NetworkPolicy shop\/cart spec\.ingress\[0\] \(event \d+\)/)
    })

    it('ends with 1 for a denied flow only when asked to', async () => {
      expect((await weir(`why db cart:8080 ${at}`)).code).to.equal(0)
      expect((await weir(`why db cart:8080 --fail-on-deny ${at}`)).code).to.equal(1)
      expect((await weir(`why web cart:8080 --fail-on-deny ${at}`)).code).to.equal(0)
    })

    it('says the same from the log as from the agent', async () => {
      const live = await weir(`why db cart:8080 -o json ${at}`)
      const offline = await weir(`why db cart:8080 -o json --log ${state}`)
      expect(JSON.parse(offline.out[0]!)).to.deep.equal(JSON.parse(live.out[0]!))
    })
  })

  describe('status', () => {
    it('tells of refusals first and of figures after', async () => {
      const { out } = await weir(`status ${at}`)
      expect(out[0]).to.equal('● 1 input is refused: weir get policies')
      expect(out.join('\n')).to.include('memory: platform=WebAssembly').and.include('weir_cells')
      const json = JSON.parse((await weir(`status -o json ${at}`)).out[0]!) as { digest: { hex: string } }
      expect(json.digest.hex).to.equal(agent.engine.digest().hex)
    })

    it('ends with 3 when nobody answers, and says what to do', async () => {
      const { code, err, out } = await weir(`status --socket ${folder}/nobody.sock`)
      expect({ code, out }).to.deep.equal({ code: 3, out: [] })
      expect(err).to.include('no agent listens').and.include('weir agent')
    })
  })

  describe('observe', () => {
    it('shows flows with names and causes, filtered, and ends when nobody follows', async () => {
      const report = {
        reason: 'Policy denied',
        protocol: 6,
        family: 4,
        sourcePort: 40_000,
        destinationPort: 8080,
        sourceIdentity: 0,
        destinationIdentity: 0,
        tcpFlags: 2,
        icmpType: 0,
        icmpCode: 0,
        direction: 'ingress',
        isReply: false,
        sizeBytes: 74,
      } as const
      agent.flows.add({ ...report, verdict: 'denied', source: '10.0.0.4', destination: '10.0.0.3' })
      agent.flows.add({ ...report, verdict: 'allowed', reason: '', source: '10.0.0.2', destination: '10.0.0.3' })
      const all = await weir(`observe --last 10 --no-follow ${at}`)
      expect(all.out).to.have.length(2)
      expect(all.out[0])
        .to.include('shop/db:40000 → shop/cart:8080 TCP SYN  denied (Policy denied)')
        .and.include('default deny (ingress) by NetworkPolicy shop/cart')
      const denied = await weir(`observe --last 10 --no-follow --verdict denied --pod shop/db -o json ${at}`)
      expect(denied.out.map(line => (JSON.parse(line) as { source: { pod: string } }).source.pod)).to.deep.equal(['db'])
      expect((await weir(`observe --last 10 --no-follow --pod nobody ${at}`)).out).to.deep.equal([])
      const fields = await weir(`observe --last 1 --no-follow -o dict ${at}`)
      expect(fields.out).to.include('verdict:              allowed')
    })

    it('ends quietly when its reader leaves, and when it is interrupted', async () => {
      expect((await weir(`observe --last 2 --no-follow ${at}`, { readerLeavesAfter: 1 })).code).to.equal(0)
      const leaving = new AbortController()
      setTimeout(() => leaving.abort(), 50)
      const { code, err } = await weir(`observe ${at}`, { signal: leaving.signal })
      expect({ code, err }).to.deep.equal({ code: 0, err: '' })
    })
  })

  describe('log', () => {
    it('lists, filters and shows events while the agent writes', async () => {
      const { out } = await weir(`log list --log ${state} --kind pod`)
      expect(out.map(line => line.trim().split(/ {2,}/).slice(2, 4).join(' '))).to.deep.equal([
        'pod.upserted shop/web 10.0.0.2 fd00::2',
        'pod.upserted shop/cart 10.0.0.3 fd00::3',
        'pod.upserted shop/db 10.0.0.4 fd00::4',
      ])
      const shown = await weir(`log show 1 -o json`, { env: { WEIR_STATE: state } })
      expect(JSON.parse(shown.out[0]!)).to.deep.include({ seq: 1, kind: 'agent.configured' })
      expect((await weir(`log show 999 --log ${state}`)).code).to.equal(5)
    })

    it('exports what an import takes, to the same head', async () => {
      const file = join(folder, 'log.ndjson')
      expect((await weir(`log export ${file} --log ${state}`)).code).to.equal(0)
      const copy = join(folder, 'copy')
      const imported = await weir(`log import ${file} --log ${copy} -o json`)
      expect((JSON.parse(imported.out[0]!) as { head: object }).head).to.deep.equal(agent.log.head)
      expect((await weir(`log verify --log ${copy}`)).code).to.equal(0)
      const lines = (await weir(`log export --log ${state}`)).out
      expect(lines.join('\n').trim()).to.equal(readFileSync(file, 'utf8').trim())
      expect((await weir(`log import ${file} --log ${copy}`)).code).to.equal(4)
      writeFileSync(file, readFileSync(file, 'utf8').slice(0, 1000))
      expect((await weir(`log import ${file} --log ${join(folder, 'cut')}`)).code).to.equal(4)
    })

    it('ends with 4 for what is no log', async () => {
      const { code, err } = await weir(`log stat --log ${folder}/none`)
      expect(code).to.equal(4)
      expect(err).to.include('WEIR_LOG_UNREADABLE')
    })

    it('counts events by kind', async () => {
      const { out } = await weir(`log stat --log ${state} -o json`)
      expect((JSON.parse(out[0]!) as { kinds: object }).kinds).to.deep.include({
        'pod.upserted': 3,
        'endpoint.attached': 1,
      })
    })
  })

  describe('replay', () => {
    it('comes to the digest of the agent, and to those recorded with snapshots', async () => {
      const other = join(folder, 'other')
      const options = { stateFolder: other, node: 'n1', backend: 'memory', clock: systemClock } as const
      const first = await createAgent({ ...options, snapshotEvery: 1 })
      await first.submit('spec', smallShop.slice(1))
      const digest = first.engine.digest().hex
      await first.stop()
      const { code, out } = await weir(`replay --log ${other} -o json`)
      expect(code).to.equal(0)
      const replay = JSON.parse(out[0]!) as { digest: { hex: string }; same: boolean; checkpoints: { seq: number }[] }
      expect(replay.digest.hex).to.equal(digest)
      expect(replay.same).to.equal(true)
      expect(replay.checkpoints.length).to.be.greaterThan(0)
    })

    /** Replays a log with a snapshot that holds a digest which no replay comes to. */
    async function replayWith(name: string, digestOf: (digest: Digest) => object) {
      const other = join(folder, name)
      const first = await createAgent({
        stateFolder: other,
        node: 'n1',
        backend: 'memory',
        clock: systemClock,
        snapshotEvery: 1_000_000,
      })
      await first.submit('spec', smallShop.slice(1))
      await first.log.snapshots.write('engine', first.engine.seq, {
        digest: digestOf({ ...first.engine.digest(), hex: '0'.repeat(64) }),
        build: 'another',
        engine: first.engine.snapshot(),
      })
      const replayed = await weir(`replay --log ${other}`)
      await first.stop()
      return replayed
    }

    it('ends with 1 when a recorded digest isn’t reached', async () => {
      const { code, out } = await replayWith('wrong', digest => digest)
      expect(code).to.equal(1)
      expect(out.join('\n')).to.include('by another: differs')
    })

    it('compares with no digest that was taken in another way', async () => {
      const { code, out } = await replayWith('older', digest => ({ ...digest, version: 3 }))
      expect(code).to.equal(0)
      expect(out.join('\n')).not.to.include('by another')
    })
  })

  describe('mistakes', () => {
    for (const line of [
      'nonsense',
      'get',
      'why web',
      'observe --verdict maybe',
      'log show x',
      'demo --backend quantum',
      'log import x',
    ])
      it(`weir ${line}: usage, no stack`, async () => {
        const { code, err } = await weir(line)
        expect(code).to.equal(2)
        expect(err).not.to.match(/\n +at /)
      })

    it('--help and --version are no mistakes', async () => {
      expect((await weir('--help')).code).to.equal(0)
      expect((await weir('--version')).out[0]).to.match(/^\d+\.\d+\.\d+$/)
    })
  })

  it('a started agent goes on from its snapshot as if it had folded every event', async () => {
    const other = join(folder, 'again')
    const options = { stateFolder: other, node: 'n1', backend: 'memory', clock: systemClock } as const
    const first = await createAgent(options)
    await first.submit('spec', smallShop.slice(1))
    const digest = first.engine.digest()
    await first.stop()
    const second = await createAgent(options)
    expect(second.engine.digest()).to.deep.equal(digest)
    await second.submit('spec', [
      { kind: 'pod.upserted', pod: pod('late', '10.0.0.9', { ports: [http] }) },
      { kind: 'networkpolicy.upserted', policy: allow('late', 'late', 'web', 8080) },
    ])
    const tables = second.engine.digest()
    await second.stop()
    const { out } = await weir(`replay --log ${other} -o json`)
    expect((JSON.parse(out[0]!) as { digest: { hex: string } }).digest.hex).to.equal(tables.hex)
  })

  it('a second agent on one log is told who has it (4)', async () => {
    const failure = await createAgent({ stateFolder: state, node: 'n1', backend: 'memory', clock: systemClock }).catch(
      (error: unknown) => error,
    )
    expect(failure).to.be.instanceOf(WeirError).and.have.property('code', 'WEIR_LOG_LOCKED')
    const { code, err } = await weir(`agent --state ${state} --backend memory --socket ${folder}/second.sock`)
    expect(code).to.equal(4)
    expect(err).to.include(`process ${process.pid}`)
  })

  it('an agent goes on when a source fails, and tries it again', async () => {
    let runs = 0
    const running = await createAgent({
      stateFolder: join(folder, 'failing'),
      node: 'n1',
      backend: 'memory',
      clock: { ...systemClock, every: (periodMs, work) => systemClock.every(Math.min(periodMs, 20), work) },
      sources: [
        {
          name: 'flaky',
          run: async sink => {
            if (runs++ === 0) throw new Error('the server is away')
            await sink.submit([{ kind: 'namespace.upserted', namespace: { name: 'late', labels: {} } }])
          },
        },
      ],
    })
    await running.ready
    for (let waited = 0; running.engine.state.namespaces.size === 0 && waited < 100; waited++)
      await new Promise(resolve => setTimeout(resolve, 10))
    expect([...running.engine.state.namespaces.keys()]).to.deep.equal(['late'])
    await running.stop()
    expect(runs).to.equal(2)
  })

  it('an agent reads one file as well as a folder, and gives pods addresses', async () => {
    const file = join(folder, 'one.yaml')
    writeFileSync(
      file,
      'apiVersion: v1\nkind: Pod\nmetadata: {name: solo}\nspec: {containers: [{name: c, image: i}]}\n',
    )
    const running = await createAgent({
      stateFolder: join(folder, 'file'),
      node: 'n1',
      backend: 'memory',
      clock: systemClock,
      manifests: file,
      podCidrs: ['10.9.0.0/24'],
    })
    await running.ready
    expect(running.engine.state.pods.get('default/solo')?.fact).to.deep.include({ node: 'n1', addresses: ['10.9.0.2'] })
    await running.stop()
  })
})
