import { writeFileSync } from 'node:fs'
import type { FlowChange } from '@weir/adapters/agent/flow-history.js'
import { expect } from 'chai'
import { runWeir } from './run.js'
import { policy, StatesFolder } from './states-folder.js'

describe('weir history FROM TO', function () {
  this.timeout(30_000)
  const states = new StatesFolder()
  const { folder, socket, log } = states
  let denied = 0

  before(async () => {
    await states.start()
    denied = states.agent.engine.seq
    await states.follow(policy('db', 'db', 'web'))
    // The same said by a rule more, which comes later: nothing changes.
    await states.follow(`${policy('db', 'db', 'web')}---${policy('other', 'db', 'web')}`)
    await states.follow(policy('other', 'db', 'web'))
  })
  after(() => states.end())

  const history = (...words: string[]) => runWeir(['history', ...words], folder)
  const changes = async (...words: string[]): Promise<readonly FlowChange[]> => {
    const { code, out, err } = await history(...words, '-o', 'json')
    expect(code, err).equals(0)
    return out.map(line => JSON.parse(line) as FlowChange)
  }
  const story = (told: readonly FlowChange[]): readonly string[] =>
    told.flatMap(({ seq, kind, flows }) =>
      flows.map(({ from, before, after }) => `${seq - denied} ${kind} ${from.name} ${before.state} ${after.state}`),
    )

  it('tells every change of the verdict, live and offline', async () => {
    const told = await changes('shop/web', 'shop/db:5432', '--socket', socket)
    expect(story(told).slice(-4)).deep.equals([
      '0 networkpolicy.upserted shop/web-0 allowed denied',
      '0 networkpolicy.upserted shop/web-1 allowed denied',
      '1 networkpolicy.upserted shop/web-0 denied allowed',
      '1 networkpolicy.upserted shop/web-1 denied allowed',
    ])
    expect(story(told)[0]).matches(/pod\.upserted shop\/web-0 absent allowed$/)
    expect(await changes('shop/web', 'shop/db:5432', '--log', log)).deep.equals(told)
  })

  it('tells the object, where it is from, and the rules before and after', async () => {
    const told = await history('shop/web-0', 'shop/db:5432', '--log', log, '--from', `${denied}`)
    const plain = told.out.map(line => line.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, 'TIME'))
    const at = (seq: number): string => `(event ${seq}, followed/policy.yaml:2)`
    const isolated = `shop/db is isolated and nothing allows this; isolated by NetworkPolicy shop/db spec.policyTypes ${at(denied)}`
    const free = 'egress  allows: no policy isolates shop/web-0 in this direction'
    expect(plain).deep.equals([
      `event ${denied}  TIME  networkpolicy.upserted  NetworkPolicy shop/db  (followed/policy.yaml:2)`,
      '  shop/web-0 → shop/db 5432/TCP  allowed → denied',
      `    before  ${free}`,
      '            ingress allows: no policy isolates shop/db in this direction',
      `    after   ${free}`,
      `            ingress denies: ${isolated}`,
      `event ${denied + 1}  TIME  networkpolicy.upserted  NetworkPolicy shop/db  (followed/policy.yaml:2)`,
      '  shop/web-0 → shop/db 5432/TCP  denied → allowed',
      `    before  ${free}`,
      `            ingress denies: ${isolated}`,
      `    after   ${free}`,
      `            ingress allows: NetworkPolicy shop/db spec.ingress[0] ${at(denied + 1)}`,
    ])
  })

  it('tells of other rules that came to decide only when asked to', async () => {
    const words = ['shop/web-0', 'shop/db:5432', '--log', log, '--from', `${denied + 2}`]
    expect(await changes(...words)).deep.equals([])
    const [change, ...rest] = await changes(...words, '--causes')
    expect(rest).deep.equals([])
    expect(change?.flows).has.length(1)
    expect(change?.flows[0]).includes({ changes: 'cause' })
    expect(change?.kind).equals('networkpolicy.deleted')
  })

  it('takes moments, and says what it can not tell', async () => {
    const words = ['shop/web-0', 'shop/db:5432', '--log', log]
    const all = await changes(...words)
    expect(await changes(...words, '--to', `${denied}`)).deep.equals(all.filter(({ seq }) => seq <= denied))
    expect(await changes(...words, '--from', '2001-01-01', '--to', '-0s')).deep.equals(all)
    expect(await changes(...words, '--from', '-0s')).deep.equals([])
    const codes = [
      ['shop/nobody', 'shop/db:5432'],
      ['shop/web-0', 'shop/db:no-such-port'],
      ['shop/web-0', 'svc/db'],
      ['shop/web-0', 'shop/db:5432', '--to', '999'],
      ['app=', 'shop/db:5432', '--to', '=x'],
    ].map(async more => (await history(...more, '--log', log)).code)
    expect(await Promise.all(codes)).deep.equals([5, 2, 5, 5, 2])
  })

  it('takes addresses, and words that mean pods by their labels', async () => {
    const [pod] = await changes('shop/web-0', 'shop/db:5432', '--log', log)
    const { from, to } = pod!.flows[0]!
    const byAddress = await changes(from.address, `${to.address}:5432`, '--log', log, '--from', `${denied}`)
    const byName = await changes('shop/web-0', 'shop/db:5432', '--log', log, '--from', `${denied}`)
    expect(byAddress.map(({ seq }) => seq)).deep.equals(byName.map(({ seq }) => seq))
    const byLabel = await changes('app=web', 'shop/db:5432', '--log', log, '--from', `${denied}`)
    expect(byLabel.map(({ flows }) => flows.length)).deep.equals([2, 2])
  })

  it('follows a workload by each of its names', async () => {
    const told = await changes('shop/web', 'shop/db:5432', '--log', log)
    for (const word of ['web', 'deploy/web', 'Deployment/web', 'shop/deploy/web'])
      expect(story(await changes(word, 'shop/db:5432', '--log', log)), word).deep.equals(story(told))
    expect(await changes('pod/web-0', 'db:5432', '--log', log)).has.length(3)
  })

  it('tells of all flows of a file in one pass', async () => {
    const flows = ['shop/web-0', 'shop/nobody', 'shop/web-1'].map(from => JSON.stringify({ from, to: 'shop/db:5432' }))
    writeFileSync(states.at('flows.jsonl'), `${flows.join('\n')}\n\n`)
    const told = await changes('--flows', 'flows.jsonl', '--log', log, '--from', `${denied}`)
    expect(told.map(({ seq }) => seq)).deep.equals([denied, denied + 1])
    const questions = told.flatMap(change => change.flows.map(({ question, from }) => `${question} ${from.name}`))
    expect(questions).deep.equals(['0 shop/web-0', '2 shop/web-1', '0 shop/web-0', '2 shop/web-1'])
    const piped = await runWeir(
      ['history', '--flows', '-', '--log', log, '--from', `${denied}`, '-o', 'json'],
      folder,
      undefined,
      flows.join('\n'),
    )
    expect(piped.out.map(line => JSON.parse(line) as unknown)).deep.equals(told)
    for (const text of ['', '{"from":"a"}', 'a b', 'null']) {
      writeFileSync(states.at('flows.jsonl'), text)
      expect((await history('--flows', 'flows.jsonl', '--log', log)).code, text).equals(2)
    }
    expect((await history('shop/web-0', 'shop/db:5432', '--flows', 'flows.jsonl', '--log', log)).code).equals(2)
    expect((await history('shop/web-0', '--log', log)).code).equals(2)
  })
})
