import { expect } from 'chai'
import { runWeir } from './run.js'
import { StatesFolder } from './states-folder.js'

describe('weir digest', function () {
  this.timeout(20_000)
  const states = new StatesFolder()
  const { folder, socket, log } = states

  before(() => states.start())
  after(() => states.end())

  const lines = async (...words: string[]) => runWeir(['digest', ...words, '--socket', socket], folder)

  it("is the agent's own, live and from its log", async () => {
    const { hex } = states.agent.engine.digest()
    const { seq } = states.agent.engine
    expect((await lines()).out).to.deep.equal([`${hex}  live, event ${seq}`])
    expect((await lines(log)).out).to.deep.equal([`${hex}  ${log}, event ${seq}`])
  })

  it('is that of a past event, asked by the agent or by the log', async () => {
    const before = `${states.beforePolicy}`
    const [live, copied] = [(await lines('--at', before)).out, (await lines(`${log}@${before}`)).out]
    expect(live[0]!.slice(0, 64)).to.equal(copied[0]!.slice(0, 64))
    expect(live[0]).to.match(new RegExp(`, event ${before}$`))
    expect(live[0]!.slice(0, 64)).to.not.equal(states.agent.engine.digest().hex)
  })

  it('of two states says that they agree, and ends with 0', async () => {
    const { code, out } = await lines('live', log)
    expect(out.at(-1)).to.equal('all tables are the same')
    expect(code).to.equal(0)
  })

  it('of two states names the tables that differ, and ends with 1', async () => {
    const { code, out } = await lines(`${log}@${states.beforePolicy}`, 'live')
    expect(out.at(-1))
      .to.match(/^tables differ: .*cells, policies/)
      .and.not.include('egress')
    expect(code).to.equal(1)
  })

  it('is complete as JSON', async () => {
    const { out } = await lines('open', 'closed', '-o', 'json')
    const told = JSON.parse(out[0]!) as { states: { name: string; digest: object }[]; differing: string[] }
    expect(told.states.map(({ name }) => name)).to.deep.equal(['open', 'closed'])
    expect(told.states[0]!.digest).to.have.keys('hex', 'version', 'parts')
    expect(told.differing).to.deep.equal(['policies'])
  })

  it('says which event is not there', async () => {
    expect((await lines('--at', '999999')).code).to.equal(5)
    expect((await lines('open', '--at', '1')).code).to.equal(2)
  })
})
