import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import type { RecordedDigest } from '@weir/adapters/agent/digest-record.js'
import type { Comparison } from '@weir/adapters/agent/replay-compare.js'
import type { Digest } from '@weir/core'
import { digestAs } from '@weir/core/digest/versions.js'
import { expect } from 'chai'
import { allow, pod, smallShop } from '../agent/cluster.js'
import { runWeir } from './run.js'

/** What another build would have recorded had it come to other cells from an event on. */
function asOfOther(lines: readonly string[], from: number): string[] {
  return lines.map((line, at) => {
    const recorded = JSON.parse(line) as RecordedDigest
    const other = { ...recorded, build: '9.9.9' }
    if (at === 0 || recorded.seq < from) return JSON.stringify(other)
    const rows = recorded.rows === undefined ? {} : { rows: [...recorded.rows.slice(1), 'cell as the other has it'] }
    const parts = { ...recorded.parts, cells: 'f'.repeat(64) }
    return JSON.stringify({ ...other, hex: 'f'.repeat(64), parts, ...rows })
  })
}

describe('weir replay', function () {
  this.timeout(30_000)
  const culprit = 47
  let folder = ''
  let log = ''
  let head = 0
  const at = (name: string): string => join(folder, name)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-replay-'))
    log = at('state')
    const agent = await createAgent({
      ...{
        stateFolder: log,
        node: 'n1',
        backend: 'memory',
        clock: systemClock,
        snapshotEvery: 20,
        checkpointEvery: 15,
      },
    })
    await agent.submit('spec', smallShop.slice(1))
    for (let round = 0; round < 60; round++) {
      const policy = allow(`p${round % 7}`, 'cart', round % 3 === 0 ? 'web' : 'db', 8000 + round)
      await agent.submit('spec', [
        round % 2 === 0
          ? { kind: 'networkpolicy.upserted', policy }
          : { kind: 'pod.upserted', pod: pod(`more-${round}`, `10.0.1.${round}`) },
      ])
    }
    head = agent.engine.seq
    await agent.stop()
  })

  after(() => rm(folder, { recursive: true, force: true }))

  /** Records, as a list of lines. */
  async function recorded(...words: string[]): Promise<string[]> {
    const { code, out, err } = await runWeir(['replay', '--log', log, '--record', '-', ...words])
    expect(code, err).to.equal(0)
    return [...out]
  }

  async function compared(lines: readonly string[], ...words: string[]): Promise<Comparison & { code: number }> {
    const file = at(`record-${Math.random()}`)
    await writeFile(file, lines.map(line => `${line}\n`).join(''))
    const { code, out, err } = await runWeir(['replay', '--log', log, '--compare', file, '-o', 'json', ...words])
    expect(out, err).to.have.length(1)
    return { ...(JSON.parse(out[0]!) as Comparison), code }
  }

  it('compares with the digests of snapshots and checkpoints on the way', async () => {
    const { code, out } = await runWeir(['replay', '--log', log, '-o', 'json'])
    const { checkpoints, same } = JSON.parse(out[0]!) as { checkpoints: { seq: number }[]; same: boolean }
    expect({ code, same }).to.deep.equal({ code: 0, same: true })
    expect(checkpoints.length).to.be.greaterThan(5)
  })

  it('records what the same build agrees with, at any distance', async () => {
    for (const every of ['1', '7', '1000']) {
      const lines = await recorded('--every', every)
      const comparison = await compared(lines)
      expect(comparison, every).to.include({ code: 0, events: head, compared: lines.length - 1, incomparable: 0 })
      expect(comparison.agreeing, every).to.equal(comparison.compared)
      expect((JSON.parse(lines.at(-1)!) as RecordedDigest).seq).to.equal(head)
    }
    const file = at('to-a-file')
    expect((await runWeir(['replay', '--log', log, '--record', file])).code).to.equal(0)
    expect((await readFile(file, 'utf8')).trimEnd().split('\n')).to.deep.equal(await recorded())
    expect((await runWeir(['replay', '--log', log, '--record', file])).code).to.equal(6)
  })

  it('names the recorded events that the first divergence lies between', async () => {
    const coarse = await compared(asOfOther(await recorded('--every', '10'), culprit))
    expect(coarse).to.include({ code: 1, agreeing: 4 })
    expect(coarse.first).to.deep.include({ after: 40, seq: 50, build: '9.9.9', parts: ['cells'] })
    expect(coarse.first).to.not.have.property('rows')
  })

  it('names the very event and its rows from a record of each', async () => {
    const window = ['--every', '1', '--from', '41', '--to', '50']
    const lines = await recorded(...window)
    const exact = await compared(asOfOther(lines, culprit))
    expect(exact.first).to.include({ after: culprit - 1, seq: culprit })
    const own = lines.map(line => JSON.parse(line) as RecordedDigest).find(({ seq }) => seq === culprit)!.rows!
    expect(own).to.not.be.empty
    expect(exact.first!.rows).to.deep.equal({ recorded: ['cell as the other has it'], replayed: own.slice(0, 1) })
    const atOnce = await compared(asOfOther(lines, 41))
    expect(atOnce.first).to.include({ after: 40, seq: 41 })
  })

  it('tells rows in words that don’t depend on a build’s numbers', async () => {
    const lines = await recorded('--every', '1')
    const all = lines.slice(1).flatMap(line => (JSON.parse(line) as RecordedDigest).rows ?? [])
    expect(all.some(row => /^cell ingress of shop\/cart with (anybody else|10\.|shop)/.test(row))).to.equal(true)
    expect(all.some(row => /^address 10\.0\.1\.1: identity \d+$/.test(row))).to.equal(true)
  })

  it('compares with a build that knew fewer tables, in those that it knew', async () => {
    const asOfFourth = (lines: readonly string[]): string[] =>
      lines.map((line, at) => {
        const recorded = JSON.parse(line) as RecordedDigest
        return JSON.stringify(at === 0 ? recorded : { ...recorded, ...digestAs(recorded as unknown as Digest, 4) })
      })
    const lines = asOfFourth(await recorded('--every', '10'))
    const narrower = [{ version: 4, digests: lines.length - 1, lacking: ['tunnels'] }]
    const comparison = await compared(lines)
    expect(comparison).to.deep.include({ code: 0, agreeing: lines.length - 1, incomparable: 0, narrower })
    const otherwise = await compared(asOfOther(lines, culprit))
    expect(otherwise.first).to.deep.include({ after: 40, seq: 50, parts: ['cells'] })
    const file = at('of-version-4')
    await writeFile(file, lines.join('\n'))
    const { out } = await runWeir(['replay', '--log', log, '--compare', file])
    expect(out).to.include(`${lines.length - 1} digests are of version 4: compared without tunnels`)
  })

  it('has the other build find the event', async () => {
    const other = at('other.mjs')
    const main = fileURLToPath(import.meta.resolve('@weir/adapters/cli/main.js'))
    await writeFile(
      other,
      `import { readFileSync, writeFileSync } from 'node:fs'
       import { main } from ${JSON.stringify(main)}
       const words = process.argv.slice(2)
       const code = await main(words)
       const file = words[words.indexOf('--record') + 1]
       const from = ${culprit}
       const asOfOther = ${asOfOther.toString()}
       const lines = readFileSync(file, 'utf8').trimEnd().split('\\n')
       writeFileSync(file, asOfOther(lines, from).join('\\n'))
       process.exit(code)`,
    )
    await chmod(other, 0o755)
    const coarse = asOfOther(await recorded('--every', '10'), culprit)
    const exact = await compared(coarse, '--build', `${process.execPath} ${other}`)
    expect(exact.first).to.deep.include({ after: culprit - 1, seq: culprit })
    expect(exact.first!.rows!.recorded).to.deep.equal(['cell as the other has it'])
    const file = at('coarse')
    await writeFile(file, coarse.join('\n'))
    const failed = await runWeir(['replay', '--log', log, '--compare', file, '--build', 'false'])
    expect(failed.code).to.equal(6)
    expect(failed.err).to.include('WEIR_BUILD_FAILED')
  })

  it('compares with what lies with a log, and refuses another log’s record', async () => {
    const { code, out } = await runWeir(['replay', '--compare', log])
    expect(code).to.equal(0)
    expect(out.at(-1)).to.match(/(\d+) of \1 recorded digests are the same/)
    const lines = await recorded()
    const header = JSON.parse(lines[0]!) as { log: { hash: string } }
    const foreign = at('foreign')
    await writeFile(foreign, JSON.stringify({ ...header, log: { ...header.log, hash: '0'.repeat(64) } }))
    for (const [word, status] of [
      [foreign, 2],
      [at('nowhere'), 6],
      [fileURLToPath(import.meta.url), 2],
    ] as const)
      expect((await runWeir(['replay', '--log', log, '--compare', word])).code, word).to.equal(status)
    expect((await runWeir(['replay', '--log', log, '--compare', 'x', '--record', 'y'])).code).to.equal(2)
  })

  it('says when builds took digests of other tables, or otherwise', async () => {
    const lines = (await recorded('--every', '10')).map((line, index) => {
      const each = JSON.parse(line) as RecordedDigest
      return index === 0 ? line : JSON.stringify({ ...each, version: each.version + 1 })
    })
    const comparison = await compared(lines)
    expect(comparison).to.include({ code: 5, compared: 0, incomparable: lines.length - 1 })
  })
})
