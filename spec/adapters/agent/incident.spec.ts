import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { checkIncident, sliceOf } from '@weir/adapters/agent/incident.js'
import type { WeirError } from '@weir/core'
import { EventLog } from '@weir/store'
import { expect } from 'chai'
import { runWeir } from '../cli/run.js'
import { allow, pod, smallShop } from './cluster.js'

describe('an exported incident', function () {
  this.timeout(60_000)
  const minute = 60_000
  let folder = ''
  let state = ''
  /** The event that let db reach cart. */
  let culprit = 0
  let head = 0

  /** One event a minute: pods that nobody asks about, and in the middle of them what matters. */
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-incident-spec-'))
    state = join(folder, 'state')
    let now = Date.UTC(2026, 0, 1)
    const clock = { ...systemClock, nowMs: () => now }
    const agent = await createAgent({ stateFolder: state, node: 'n1', backend: 'memory', clock })
    await agent.submit('spec', smallShop.slice(1))
    for (let at = 1; at <= 60; at++) {
      now += minute
      if (at === 30) {
        await agent.submit('spec', [{ kind: 'networkpolicy.upserted', policy: allow('cart', 'cart', 'db', 8080) }])
        culprit = agent.engine.seq
      } else if (at === 33) await agent.submit('spec', [{ kind: 'pod.deleted', namespace: 'shop', name: 'db' }])
      else await agent.submit('spec', [{ kind: 'pod.upserted', pod: pod(`more-${at}`, `10.0.1.${at}`) }])
    }
    head = agent.engine.seq
    await agent.stop()
  })

  after(() => rm(folder, { recursive: true, force: true }))

  it('is a part of the log that replays elsewhere to the same answers', async () => {
    const file = join(folder, 'incident.ndjson')
    const words = ['log', 'export', file, '--log', state, '--around', String(culprit), '--span', '5m']
    const made = await runWeir([...words, '--incident', 'shop/db', 'shop/cart:8080'])
    expect(made.code, made.err).to.equal(0)
    expect(made.err).to.include(`weir: events ${culprit - 5} to ${culprit + 5}; read back`)
    const elsewhere = join(folder, 'elsewhere')
    expect((await runWeir(['log', 'import', file, '--log', elsewhere])).code).to.equal(0)
    const answer = async (log: string, seq: number): Promise<unknown> =>
      (await runWeir(['why', 'shop/db', 'shop/cart:8080', '--log', `${log}@${seq}`, '-o', 'json'])).out
    for (const seq of [culprit - 6, culprit - 1, culprit, culprit + 2])
      expect(await answer(elsewhere, seq), String(seq)).to.deep.equal(await answer(state, seq))
    expect(await answer(state, culprit - 1)).to.not.deep.equal(await answer(state, culprit))
    expect((await runWeir(['log', 'verify', '--log', elsewhere])).code).to.equal(0)
    expect((await runWeir(['replay', '--log', elsewhere])).code).to.equal(0)
    const whole = join(folder, 'whole.ndjson')
    await runWeir(['log', 'export', whole, '--log', state])
    const log = await EventLog.openReadOnly({ path: elsewhere })
    expect(log.head.seq - log.base.seq).to.equal(11)
    await log.close()
  })

  it('may reach to the beginning or the end of the log', async () => {
    for (const [around, span, first, last] of [
      [4, '2m', 1, 8],
      [culprit, '10h', 1, head],
      [head, '3m', head - 3, head],
    ] as const) {
      const file = join(folder, `reach-${around}-${span}`)
      const words = ['log', 'export', file, '--log', state, '--around', String(around), '--span', span]
      const { code, err } = await runWeir([...words, '--incident', 'shop/web', 'shop/cart:8080'])
      expect(code, err).to.equal(0)
      expect(err).to.include(`weir: events ${first} to ${last}; read back`)
    }
  })

  it('is refused, and its file removed, when it leads elsewhere', async () => {
    const log = await EventLog.openReadOnly({ path: join(state, 'log') })
    const incident = { from: 'shop/db', to: 'shop/cart:8080', around: culprit, spanMs: 5 * minute }
    const slice = await sliceOf(log, incident)
    const { state: base } = slice.start as { state: { engine: { state: { policies: unknown[] } } } }
    const forged = { ...slice, start: { ...slice.start, state: structuredClone(base) } }
    forged.start.state.engine.state.policies.pop()
    await checkIncident(log, incident, slice, 'file', log.export(slice.head, slice.start))
    const error = await checkIncident(log, incident, slice, 'file', log.export(slice.head, forged.start)).catch(
      (error: WeirError) => error,
    )
    expect(error).to.have.property('code', 'WEIR_INCIDENT_DIFFERS')
    expect(error).to.have.nested.property('payload.seq', culprit - 6)
    await log.close()
  })

  it('wants one flow, one event and a file', async () => {
    const at = ['--log', state, '--around', String(culprit)]
    const file = join(folder, 'never')
    for (const [words, status] of [
      [['log', 'export', file, ...at, '--incident', 'shop/db'], 2],
      [['log', 'export', file, ...at], 2],
      [['log', 'export', file, '--log', state, '--incident', 'shop/db', 'shop/cart:8080'], 2],
      [['log', 'export', ...at, '--incident', 'shop/db', 'shop/cart:8080'], 2],
      [['log', 'export', file, '--log', state, '--around', '99999', '--incident', 'shop/db', 'shop/cart:8080'], 5],
    ] as const)
      expect((await runWeir([...words])).code, words.join(' ')).to.equal(status)
    expect(await stat(file).catch(() => undefined)).to.equal(undefined)
  })
})
