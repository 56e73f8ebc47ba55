import { expect } from 'chai'
import { runWeir } from './run.js'
import { policy, StatesFolder } from './states-folder.js'

describe('weir status --at', function () {
  this.timeout(60_000)
  const states = new StatesFolder()
  const { folder, socket, log } = states
  let good = 0

  before(async () => {
    await states.start()
    good = states.agent.engine.seq
    await states.follow(policy('db', 'db', 'web').replace('5432', '99999'))
  })
  after(() => states.end())

  const status = async (...words: readonly string[]) => {
    const { code, out, err } = await runWeir(['status', ...words], folder)
    expect(code, err).equals(0)
    return out
  }

  it('has counts, tables, the agent and its digest as of the moment, live and offline alike', async () => {
    const out = await status('--at', `${good}`, '--log', log)
    expect(out).includes(`As of      event ${good}`)
    expect(out).includes('Node       n1, cluster default')
    expect(out.join('\n')).matches(/^Objects {4}1 namespace, \d nodes, 3 pods, 1 policy, 0 staged, /m)
    expect(out.join('\n')).matches(/^Tables {5}\d+ addresses, /m)
    expect(await status('--at', `${good}`, '--socket', socket)).deep.equals(out)
    const { digest, seq } = JSON.parse((await status('--log', log, '-o', 'json')).join('')) as Record<string, object>
    expect(seq).equals(states.agent.engine.seq)
    expect(digest).deep.equals(JSON.parse(JSON.stringify(states.agent.engine.digest())))
  })

  it('names what was refused by then, and says what nobody recorded', async () => {
    const before = await status('--at', `${good}`, '--log', log)
    expect(before.filter(line => line.startsWith('refused'))).deep.equals([])
    const after = await status('--log', log)
    expect(after[0]).matches(/^refused: NetworkPolicy\/shop\/db \(event \d+, followed\/policy.yaml:\d+\)$/)
    expect(after.filter(line => line.startsWith('not recorded: ')).length).equals(4)
  })
})
