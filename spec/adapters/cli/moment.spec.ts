import { pointInLog } from '@weir/adapters/cli/moment.js'
import { expect } from 'chai'
import { runWeir } from './run.js'
import { StatesFolder } from './states-folder.js'

describe('--at', function () {
  this.timeout(20_000)
  const states = new StatesFolder()
  const { folder, socket, log } = states

  before(() => states.start())
  after(() => states.end())

  it('understands numbers, times, and times before now', () => {
    const ms = (text: string): unknown => {
      const point = pointInLog(text)
      return typeof point === 'number' ? `@${point}` : point(1_000_000)
    }
    expect(['12', '@12', '-10s', '10s'].map(ms)).to.deep.equal(['@12', '@12', 990_000, 990_000])
    const noon = Date.UTC(2026, 0, 31, 12)
    for (const text of ['2026-01-31T12:00:00Z', '2026-01-31 12:00', '2026-01-31T13:00:00+01:00'])
      expect(ms(text)).to.equal(noon)
    for (const text of ['yesterday', '-', '@', '-5']) expect(() => pointInLog(text)).to.throw()
  })

  it('asks why of a past state, of the agent and of a log', async () => {
    const why = async (...more: string[]) => {
      const { code, out } = await runWeir(['why', 'shop/web', 'shop/db:5432', ...more, '-o', 'json'], folder)
      return {
        code,
        verdicts: out.flatMap(line => [...line.matchAll(/"verdict":(\d)/g)].map(([, verdict]) => verdict)),
      }
    }
    const before = await why('--socket', socket, '--at', `${states.beforePolicy}`)
    expect(before.code).to.equal(0)
    expect(before.verdicts).to.not.be.empty
    expect(await why('--log', log, '--at', `${states.beforePolicy}`)).to.deep.equal(before)
    expect((await why('--socket', socket)).verdicts).to.not.deep.equal(before.verdicts)
    expect(await why('--log', log, '--at', '-0s')).to.deep.equal(await why('--socket', socket))
  })

  it('stands behind the name of a state as well', async () => {
    const compared = async (...words: readonly string[]): Promise<string> => {
      const { out } = await runWeir(['compare', ...words, '--socket', socket, '-o', 'json'], folder)
      return out.join('').replaceAll(/"name":"[^"]*(state|live)[^"]*"/g, '"name":"live"')
    }
    const change = await compared(`${log}@${states.beforePolicy}`, 'live')
    expect(await compared(`live@${states.beforePolicy}`, 'live@-0s')).to.equal(change)
    expect(change).to.not.equal(await compared('live', 'live'))
    expect(await compared('--at', `${states.beforePolicy}`), 'the agent then and now').to.equal(change)
    expect(await compared(log, '--at', `${states.beforePolicy}`), 'a log then and at its end').to.equal(change)
    expect(await compared('live', 'live', '--at', `${states.beforePolicy}`)).to.equal(change)
    expect((await runWeir(['compare', 'live', '--socket', socket], folder)).code, 'of one state').to.equal(2)
    const same = await runWeir(['digest', `${log}@-0s`, 'live', '--socket', socket], folder)
    expect(same.code, same.err).to.equal(0)
    expect((await runWeir(['compare', `${log}@whenever`, 'live', '--socket', socket], folder)).code).to.equal(2)
  })

  it('is taken by services as by get services', async () => {
    for (const more of [
      ['--log', log],
      ['--socket', socket],
    ]) {
      const said = (...words: string[]) => runWeir([...words, ...more, '--at', `${states.beforePolicy}`], folder)
      const [short, long] = [await said('services'), await said('get', 'services')]
      expect(long.code).to.equal(0)
      expect(short).to.deep.equal(long)
    }
  })

  it('takes an event or a time, of the agent and of a log', async () => {
    const past = `${states.beforePolicy}`
    const words = [['get', 'policies'], ['matrix'], ['lint'], ['digest']]
    for (const command of words) {
      const told = async (...more: string[]) => {
        const { code, out } = await runWeir([...command, ...more, '--socket', socket, '-o', 'json'], folder)
        return { code, text: out.join('\n').replaceAll(/"name":"[^"]*state[^"]*"/g, '"name":"live"') }
      }
      const now = await told()
      const source = command[0] === 'get' ? ['--log', log] : [log]
      expect(await told('--at', '-0s'), command.join(' ')).to.deep.equal(now)
      expect((await told('--at', past)).text, command.join(' ')).to.not.equal(now.text)
      expect(await told(...source, '--at', '-0s')).to.include({ code: now.code })
      expect(await told(...source, '--at', '2001-01-01')).to.include({ code: 5 })
      expect(await told(...source, '--at', 'whenever')).to.include({ code: 2 })
    }
  })

  it('names no event that the log doesn’t have, wherever a range of events is asked for', async () => {
    for (const words of [
      ['log', 'list', '--from', '99999', '--log', log],
      ['log', 'list', '--to', '99999', '--log', log],
      ['log', 'tables', '--to', '99999', '--log', log],
      ['replay', '--to', '99999', '--log', log],
      ['history', 'shop/web', 'shop/db:5432', '--to', '99999', '--log', log],
    ]) {
      const { code, err } = await runWeir(words, folder)
      expect([code, err.split('\n')[0]], words.join(' ')).to.deep.equal([
        5,
        'weir: the log has no event 99999 (WEIR_NOT_FOUND)',
      ])
    }
  })

  it('is refused in words, also behind the name of a state', async () => {
    for (const words of [
      ['get', 'pods', '--log', `${log}@whenever`],
      ['compare', `${log}@whenever`, log],
      ['get', 'pods', '--log', log, '--at', 'whenever'],
    ]) {
      const { code, err } = await runWeir(words, folder)
      expect(code, words.join(' ')).to.equal(2)
      expect(err, words.join(' ')).to.match(/whenever.*1200.*-10m/s)
    }
  })

  it('is no day that its month doesn’t have', () => {
    for (const text of ['2026-02-30', '2026-02-30T12:00:00Z', '2026-04-31 12:00', '2025-02-29'])
      expect(() => pointInLog(text), text).to.throw()
    for (const text of ['2024-02-29', '2026-01-31T23:59:59-11:00']) expect(() => pointInLog(text), text).not.to.throw()
  })

  it('may begin after it ends nowhere, and where nothing comes of a range that is said', async () => {
    for (const words of [
      ['log', 'list', '--from', '5', '--to', '4', '--log', log],
      ['history', 'shop/web', 'shop/db:5432', '--from', '5', '--to', '4', '--log', log],
    ])
      expect((await runWeir(words, folder)).code, words.join(' ')).to.equal(2)
    for (const words of [
      ['log', 'list', '--kind', 'nothing', '--log', log],
      ['log', 'grep', 'no-such-text', '--log', log],
      ['history', 'shop/web', 'shop/db:5432', '--from', '-0s', '--log', log],
    ]) {
      const { code, out, err } = await runWeir(words, folder)
      expect([code, out], words.join(' ')).to.deep.equal([0, []])
      expect(err, words.join(' ')).to.match(/^weir: no (?:change|event)/)
    }
  })
})
