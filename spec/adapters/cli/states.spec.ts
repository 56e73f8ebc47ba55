import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect } from 'chai'
import { runWeir } from './run.js'
import { policy, StatesFolder } from './states-folder.js'

describe('commands about states', function () {
  this.timeout(20_000)
  const states = new StatesFolder()
  const { folder, socket, log } = states
  const at = (name: string): string => states.at(name)

  before(() => states.start())
  after(() => states.end())

  describe('compare', () => {
    it('tells what two folders of manifests judge differently, with file and line', async () => {
      const { code, out } = await runWeir(['compare', 'open', 'closed'], folder)
      expect(code).to.equal(0)
      expect(out).to.include(
        'shop/web → shop/db : any but tcp/5432  allowed → denied  by default deny (ingress) of NetworkPolicy shop/db (closed/policy.yaml:2)',
      )
      expect(out.at(-1)).to.match(/^\d+ sets of flows change: \d+ newly denied, 0 newly allowed/)
    })

    it('finds nothing between a folder and itself', async () => {
      const { code, out } = await runWeir(['compare', 'closed', 'closed', '--fail-on', 'any'], folder)
      expect(out).to.deep.equal(['no flow changes its verdict'])
      expect(code).to.equal(0)
    })

    it('reads a log at an event, its export, and the agent alike', async () => {
      const file = at('log.ndjson')
      expect((await runWeir(['log', 'export', file, '--log', log])).code).to.equal(0)
      const compared = async (after: string): Promise<string[]> => {
        const { out } = await runWeir(['compare', `${log}@${states.beforePolicy}`, after, '--socket', socket], folder)
        return [...out]
      }
      const [first, ...others] = [await compared(log), await compared(file), await compared('live')]
      expect(first).to.include.members([
        'remote-node, shop/web, world → shop/db : any  allowed → denied  by default deny (ingress) of NetworkPolicy shop/db (followed/policy.yaml:2)',
      ])
      for (const other of others) expect(other).to.deep.equal(first)
      expect(readdirSync(tmpdir()).filter(name => name.startsWith('weir-state-'))).to.deep.equal([])
    })

    it('ends with 1 for the changes that are not to be', async () => {
      const codeOf = async (...words: string[]): Promise<number> => (await runWeir(['compare', ...words], folder)).code
      expect(await codeOf('open', 'closed', '--fail-on', 'newly-denied')).to.equal(1)
      expect(await codeOf('open', 'closed', '--fail-on', 'newly-allowed')).to.equal(0)
      expect(await codeOf('closed', 'open', '--fail-on', 'newly-allowed')).to.equal(1)
      expect(await codeOf('closed', 'open', '--fail-on', 'any')).to.equal(1)
    })

    it('says which state is not there, or has no such event', async () => {
      expect((await runWeir(['compare', 'open', 'nowhere'], folder)).code).to.equal(5)
      expect((await runWeir(['compare', `${log}@999999`, 'open'], folder)).code).to.equal(5)
      expect((await runWeir(['compare', 'open@3', 'open'], folder)).code).to.equal(2)
      expect((await runWeir(['compare', 'live', 'open', '--socket', at('nobody')], folder)).code).to.equal(3)
    })

    it('is complete as JSON', async () => {
      const { out } = await runWeir(['compare', 'open', 'closed', '-o', 'json'], folder)
      const { changes } = JSON.parse(out[0]!) as { changes: Record<string, unknown>[] }
      const change = changes.find(({ from }) => JSON.stringify(from).includes('shop/web'))!
      expect(change).to.deep.include({
        change: 'newly-denied',
        to: [{ kind: 'workload', name: 'shop/db', pods: ['shop/db'] }],
        families: [4, 6],
      })
      expect(JSON.stringify(change.after)).to.include('"place":"closed/policy.yaml:2"')
    })
  })

  describe('what-if', () => {
    it('tries manifests on the agent, and changes nothing', async () => {
      const head = states.agent.engine.seq
      const { code, out } = await runWeir(
        ['what-if', '-f', 'proposal.yaml', '--socket', socket, '--fail-on', 'newly-denied'],
        folder,
      )
      expect(code).to.equal(1)
      expect(out.join('\n')).to.include('→ shop/web').and.to.include('NetworkPolicy shop/web (proposal.yaml:2)')
      expect(states.agent.engine.seq).to.equal(head)
    })

    it('tries deletions, from a log or a folder', async () => {
      for (const from of [
        ['--log', log],
        ['--state-from', 'closed'],
      ]) {
        const { code, out } = await runWeir(['what-if', '--delete', 'netpol/shop/db', ...from], folder)
        expect(code).to.equal(0)
        expect(out.join('\n')).to.match(
          /shop\/web.* → shop\/db : .*denied → allowed {2}by no policy isolates either end/,
        )
      }
    })

    it('says what there is when nothing goes by that name', async () => {
      const { code, err } = await runWeir(
        ['what-if', '--delete', 'NetworkPolicy/shop/dbs', '--state-from', 'closed'],
        folder,
      )
      expect(code).to.equal(5)
      expect(err).to.include('NetworkPolicy/shop/db')
    })

    it('refuses what the agent would refuse, and a question about nothing', async () => {
      const broken = await runWeir(['what-if', '-f', 'broken.yaml', '--state-from', 'open'], folder)
      expect(broken.code).to.equal(2)
      expect(broken.err).to.include('spec.ingress[0].ports[0].port')
      expect((await runWeir(['what-if', '--state-from', 'open'], folder)).code).to.equal(2)
      expect((await runWeir(['what-if', '--delete', 'db', '--state-from', 'open'], folder)).code).to.equal(2)
    })
  })

  describe('proposals', () => {
    const from = ['--state-from', 'closed']
    const whatIf = (...words: string[]) => runWeir(['what-if', ...words, ...from], folder)

    it('come from standard input, and from several files at once', async () => {
      const piped = await runWeir(['what-if', '-f', '-', ...from], folder, undefined, policy('web', 'web', 'db'))
      expect(piped.code).to.equal(0)
      expect(piped.out.join('\n')).to.include('NetworkPolicy shop/web (stdin:2)')
      const named = await whatIf('-f', 'proposal.yaml')
      expect(piped.out.at(-1)).to.equal(named.out.at(-1))
      const both = await whatIf('-f', 'proposal.yaml', '--delete', 'netpol/shop/db')
      expect(both.out.join('\n'))
        .to.match(/→ shop\/web.*denied/)
        .and.to.match(/→ shop\/db.*allowed/)
    })

    it('name kinds as kubectl does', async () => {
      const words = ['netpol', 'NetworkPolicy', 'networkpolicies', 'networkpolicies.networking.k8s.io']
      const ran = await Promise.all(words.map(word => whatIf('--delete', `${word}/shop/db`)))
      for (const { code, out } of ran) expect({ code, out }).to.deep.equal({ code: 0, out: ran[0]!.out })
      expect((await whatIf('--delete', 'netpol/shop/dbb')).code).to.equal(5)
      expect((await whatIf('--delete', 'netpol')).code).to.equal(2)
    })

    it('are refused with file, line and field, all or nothing (2)', async () => {
      const broken = await whatIf('-f', 'proposal.yaml', '-f', 'broken.yaml')
      expect(broken.code).to.equal(2)
      expect(broken.err).to.match(/broken\.yaml:\d+: spec\.ingress\[0\]\.ports\[0\]\.port: .*99999/)
      const twice = await whatIf('-f', 'proposal.yaml', '-f', 'proposal.yaml')
      expect(twice.code).to.equal(2)
      expect(twice.err).to.include('it is in proposal.yaml and in proposal.yaml')
      expect((await whatIf('-f', 'nowhere.yaml')).code).to.equal(2)
      const empty = await runWeir(['what-if', '-f', '-', ...from], folder, undefined, '')
      expect(empty.code).to.equal(2)
      expect(empty.err).to.include('no object in it')
    })

    it('say what is left out because Weir has no use for it', async () => {
      const text = `${policy('web', 'web', 'db')}---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: c, namespace: shop }\n`
      const { code, err } = await runWeir(['what-if', '-f', '-', ...from], folder, undefined, text)
      expect(code).to.equal(0)
      expect(err).to.include('left out: stdin:').and.to.include('ConfigMap/shop/c')
    })
  })

  describe('matrix', () => {
    it('is a grid with the ports below it', async () => {
      const { out } = await runWeir(['matrix', 'closed'], folder)
      expect(out).to.include('shop/web → shop/db : tcp/5432')
      expect(out.find(line => line.startsWith('shop/web'))).to.match(/^shop\/web +2 +○ +●/)
    })

    it('is Markdown, Graphviz or JSON, by namespace or label', async () => {
      const markdown = await runWeir(['matrix', 'closed', '-o', 'markdown', '--by', 'app'], folder)
      expect(markdown.out[0]).to.match(/^\| from \\ to \| app=db \| app=web \|/)
      expect(markdown.out[3]).to.include('| tcp/5432 |')
      const dot = await runWeir(['matrix', 'closed', '-o', 'dot'], folder)
      expect(dot.out).to.include('  "shop/web" -> "shop/db" [label="tcp/5432"]')
      const json = await runWeir(['matrix', 'closed', '-o', 'json', '--by', 'namespace'], folder)
      expect((JSON.parse(json.out[0]!) as { parties: string[] }).parties).to.include.members(['shop', 'world'])
    })

    it('shows the agent’s state, or a log’s', async () => {
      const live = await runWeir(['matrix', '--socket', socket])
      const fromLog = await runWeir(['matrix', '--log', log])
      expect(live.out).to.deep.equal(fromLog.out)
      expect(live.out.join('\n')).to.include('shop/web')
    })
  })

  describe('why of a state', () => {
    it('asks manifests, and a log as it was after an event', async () => {
      const manifests = await runWeir(['why', 'shop/web', 'db:5432', '--state-from', 'closed'], folder)
      expect(manifests.out[0]).to.equal('shop/web (2) → shop/db 5432/TCP  allowed')
      expect(manifests.out.join('\n'))
        .to.include('NetworkPolicy shop/db spec.ingress[0]')
        .and.to.include('policy.yaml:2')
      const early = await runWeir([
        'why',
        'shop/web',
        'db:5432',
        '--log',
        `${log}@${states.beforePolicy}`,
        '--fail-on-deny',
      ])
      expect(early.code).to.equal(0)
      const late = await runWeir(['why', 'shop/web', 'db:5432', '--log', log, '--fail-on-deny'])
      expect(late.code).to.equal(1)
      expect((await runWeir(['why', 'a', 'b', '--log', log, '--state-from', 'closed'], folder)).code).to.equal(2)
      expect((await runWeir(['why', 'web', 'db:1', '--log', at('closed')])).code).to.equal(4)
    })

    it('tells each verdict of a word that means many, and what a rule beat', async () => {
      const { out } = await runWeir(['why', 'ns=shop', 'app=db:5432', '--state-from', 'closed'], folder)
      expect(out[0]).to.equal('shop/web-0, shop/web-1 (of ns=shop) → shop/db 5432/TCP  allowed')
      expect(out.join('\n')).to.include('beats deny of NetworkPolicy shop/db spec.policyTypes')
    })

    it('is complete as JSON', async () => {
      const { out } = await runWeir(
        ['why', 'app=new,ns=shop', 'db:80-90', '-o', 'json', '--state-from', 'closed'],
        folder,
      )
      const [answer] = JSON.parse(out[0]!) as Record<string, unknown>[]
      expect(answer).to.deep.include({
        from: { name: 'a pod with app=new in shop', address: '' },
        protocol: 6,
        port: 80,
        lastPort: 90,
      })
      expect(answer).to.have.nested.property('explanation.ingress.reason', 'default-deny')
      expect(answer).to.have.nested.property('nearest.ingress[0].shortfalls[0].kind')
    })
  })

  describe('errors as JSON', () => {
    const json = async (...words: string[]) => {
      const { code, out, err } = await runWeir([...words, '-o', 'json'], folder)
      expect(out).to.deep.equal([])
      const { error } = JSON.parse(err) as { error: { code: string; message: string; exit: number; payload: object } }
      expect(error.exit).to.equal(code)
      return error
    }

    it('are one object on standard error, with code, payload and exit status', async () => {
      expect(await json('compare', 'open', 'nowhere')).to.include({ code: 'WEIR_NOT_FOUND', exit: 5 })
      expect(await json('status', '--socket', at('nobody'))).to.include({ code: 'WEIR_AGENT_UNREACHABLE', exit: 3 })
      expect(await json('what-if', '-f', 'broken.yaml', '--state-from', 'open')).to.include({ exit: 2 })
      expect(await json('matrix', 'nowhere')).to.include({ exit: 5 })
      expect(await json('log', 'stat', '--log', at('open'))).to.include({ exit: 4 })
      expect((await json('why', 'shop/wep', 'db:1', '--state-from', 'open')).payload).to.have.nested.property(
        'near[0]',
        'shop/web',
      )
    })

    it('are so for a command line that is none, too', async () => {
      const error = await json('why')
      expect(error).to.include({ code: 'WEIR_REQUEST_INVALID', exit: 2 })
      expect(error.message).to.include("missing required argument 'from'")
      expect((await json('frobnicate')).message).to.include("unknown command 'frobnicate'")
    })
  })

  describe('why', () => {
    it('tells of a default deny which rule came nearest, with file and line', async () => {
      await states.follow(policy('db', 'db', 'web'))
      const { out } = await runWeir(['why', 'shop/web-0', 'shop/db:5433', '--socket', socket], folder)
      const text = out.join('\n')
      expect(text).to.match(
        /nearest: NetworkPolicy shop\/db spec\.ingress\[0\] \(event \d+, followed\/policy\.yaml:2\)/,
      )
      expect(text).to.include('it allows tcp/5432, not tcp/5433; add tcp/5433 to its ports')
    })
  })
})
