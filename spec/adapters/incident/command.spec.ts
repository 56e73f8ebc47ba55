import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { eventAt } from '@weir/adapters/agent/log-events.js'
import { columnsOf, EventLog, type ExportedFlow, FlowStore, folderStorage } from '@weir/store'
import { expect } from 'chai'
import { allow, pod, smallShop } from '../agent/cluster.js'
import { runWeir } from '../cli/run.js'

interface Named {
  readonly namespace: string
  readonly pod: string
}

const nameOf = ({ namespace, pod: name }: Named): string => `${namespace}/${name}`

describe('an exported incident', function () {
  this.timeout(120_000)
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
      else if (at === 29)
        await agent.submit('spec', [{ kind: 'networkpolicy.upserted', policy: allow('else', 'more', 'web', 81) }])
      else await agent.submit('spec', [{ kind: 'pod.upserted', pod: pod(`more-${at}`, `10.0.1.${at + 100}`) }])
    }
    head = agent.engine.seq
    await agent.stop()
  })

  after(() => rm(folder, { recursive: true, force: true }))

  const exported = async (name: string, span: string, ...more: readonly string[]) => {
    const words = ['log', 'export', join(folder, name), '--log', state, '--around', String(culprit), '--span', span]
    const made = await runWeir([...words, '--incident', 'shop/db', 'shop/cart:8080', ...more])
    expect(made.code, made.err).equals(0)
    return made.err
  }

  const json = async (...words: readonly string[]): Promise<readonly Record<string, unknown>[]> => {
    const { code, out, err } = await runWeir([...words, '-o', 'json'])
    expect(code, err).equals(0)
    return out.map(line => JSON.parse(line) as Record<string, unknown>)
  }

  it('has what the flow follows from, and nothing else', async () => {
    const told = await exported('small', '5m')
    expect(told).includes(`2 are of the 11 from ${culprit - 5} to ${culprit + 5}`)
    expect(told).includes('read back')
    const text = await readFile(join(folder, 'small'), 'utf8')
    const [header, ...lines] = text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>)
    const kinds = lines.map(line => (line.event as { kind: string }).kind)
    expect(kinds.slice(-2)).deep.equals(['networkpolicy.upserted', 'pod.deleted'])
    expect(kinds.slice(0, -2)).has.members([
      ...['agent.configured', 'node.upserted', 'pod.upserted', 'pod.upserted', 'networkpolicy.upserted'],
    ])
    expect(text).not.includes('more-')
    expect(header).nested.property('origin.seqs').has.length(lines.length)
    expect(header).nested.property('origin.extent').equals('concerned')
    expect(header).nested.property('origin.head.seq').equals(head)
    // Signed when the agent stopped.
    expect(header).nested.property('origin.checkpoint.seq').equals(head)
  })

  it('imports as a log that tells the same story, by its own numbers and by those of the log', async () => {
    await exported('elsewhere.ndjson', '5m')
    const elsewhere = join(folder, 'elsewhere')
    expect((await runWeir(['log', 'import', join(folder, 'elsewhere.ndjson'), '--log', elsewhere])).code).equals(0)
    const flow = ['shop/db', 'shop/cart:8080']
    const range = ['--from', String(culprit - 5), '--to', String(culprit + 5)]
    const whole = await json('history', ...flow, '--log', state, ...range)
    const small = await json('history', ...flow, '--log', elsewhere)
    const there = small.slice(-2).map(change => (change.originals as [number, number][])[0]![1])
    expect(there).deep.equals(whole.slice(-2).map(({ seq }) => seq))
    expect(there[0]).equals(culprit)
    const text = (await runWeir(['history', ...flow, '--log', elsewhere])).out.join('\n')
    expect(text).includes(`, ${culprit} there`)
    expect((await runWeir(['log', 'verify', '--log', elsewhere])).code).equals(0)
    expect((await runWeir(['replay', '--log', elsewhere])).code).equals(0)
    const again = join(folder, 'again')
    expect((await runWeir(['log', 'export', again, '--log', elsewhere])).code).equals(0)
    expect(await readFile(again, 'utf8')).equals(await readFile(join(folder, 'elsewhere.ndjson'), 'utf8'))
    const found = await runWeir(['bisect', ...flow, '--good', '5', '--bad', '6', '--log', elsewhere])
    expect(found.code, found.err).equals(0)
    expect(found.out.join('\n')).includes(`${culprit} there`)
  })

  it('can be read back in the words that it had, by its map or by its key', async () => {
    const [key, map] = [join(folder, 'pseudonyms.key'), join(folder, 'map.json')]
    const told = await exported('other', '5m', '--pseudonymise', '--key', key, '--map', map, '--shift-times')
    expect(told).includes('read back')
    for (const file of [key, map]) expect((await stat(file)).mode & 0o777).equals(0o600)
    const elsewhere = join(folder, 'other-log')
    expect((await runWeir(['log', 'import', join(folder, 'other'), '--log', elsewhere])).code).equals(0)
    const listed = (await runWeir(['log', 'list', '--log', elsewhere])).out.join('\n')
    for (const word of ['shop', 'cart', '10.0.0.3']) expect(listed, word).not.includes(word)
    for (const by of [
      ['--map', map],
      ['--key', key, '--log', state],
    ]) {
      const { code, out, err } = await runWeir(['log', 'reveal', '-', ...by], folder, undefined, listed)
      expect(code, err).equals(0)
      expect(out.join('\n')).includes('networkpolicy.upserted  shop/cart').includes('shop/cart 10.0.0.3 fd00::3')
    }
    const { flow } = JSON.parse((await readFile(join(folder, 'other'), 'utf8')).split('\n')[0]!).origin
    const small = await json('history', flow.from, flow.to, '--log', elsewhere)
    expect((small.at(-2)!.originals as [number, number][])[0]![1]).equals(culprit)
    const wrong = join(folder, 'wrong.key')
    await writeFile(wrong, 'not a key')
    expect((await runWeir(['log', 'reveal', map, '--key', wrong, '--log', state])).err).includes('WEIR_PSEUDONYM_KEY')
    expect((await runWeir(['log', 'reveal', map])).code).equals(2)
  })

  it('takes the recorded flows between its ends with it', async () => {
    const copy = join(folder, 'with-flows')
    await runWeir(['log', 'export', join(folder, 'for-flows'), '--log', state])
    await runWeir(['log', 'import', join(folder, 'for-flows'), '--log', join(copy, 'log')])
    const holder = { pid: process.pid, command: 'spec', since: 0 }
    const store = await FlowStore.open(folderStorage({ path: join(copy, 'flows'), holder }))
    const flow = (source: string, seq: number, verdict: 'allowed' | 'denied'): ExportedFlow => ({
      ...{ source, destination: '10.0.0.3', protocol: 6, port: 8080, verdict, reason: verdict === 'denied' ? 133 : 0 },
      ...{ direction: 'ingress', isReply: false, tcpFlags: 2, packets: 3, bytes: 180 },
      ...{ firstMs: Date.UTC(2026, 0, 1, 0, seq), lastMs: Date.UTC(2026, 0, 1, 0, seq, 5), seq },
    })
    const between = [flow('10.0.0.4', culprit - 3, 'denied'), flow('10.0.0.4', culprit + 1, 'allowed')]
    const others = [flow('10.0.0.2', culprit, 'allowed'), flow('10.0.0.4', culprit - 20, 'denied')]
    await store.append(columnsOf([...between, ...others]))
    await store.close()
    for (const more of [[], ['--pseudonymise', '--shift-times']]) {
      const file = join(folder, `flows-${more.length}`)
      const words = ['log', 'export', file, '--log', copy, '--around', String(culprit), '--span', '5m', '--flows']
      const made = await runWeir([...words, '--incident', 'shop/db', 'shop/cart:8080', ...more])
      expect(made.code, made.err).equals(0)
      expect(made.err).includes('2 recorded flows between the ends')
      const elsewhere = `${file}-elsewhere`
      const taken = await runWeir(['log', 'import', file, '--log', elsewhere])
      expect(taken.out.join(), taken.err).includes('; 2 recorded flows')
      const seen = await json('observe', '--first', '10', '--log', elsewhere)
      const { origin } = JSON.parse((await readFile(file, 'utf8')).split('\n')[0]!)
      const [cart] = origin.flow.to.split(':')
      const told = seen.map(each => ({
        verdict: each.verdict,
        from: nameOf(each.source as Named),
        to: nameOf(each.destination as Named),
      }))
      expect(told).deep.equals([
        { verdict: 'denied', from: origin.flow.from, to: cart },
        { verdict: 'allowed', from: origin.flow.from, to: cart },
      ])
      expect(seen.map(({ packets }) => packets)).deep.equals([3, 3])
    }
    const cut = (await readFile(join(folder, 'flows-0'), 'utf8')).trimEnd().split('\n').slice(0, -1).join('\n')
    await writeFile(join(folder, 'cut-off'), cut)
    const refused = await runWeir(['log', 'import', join(folder, 'cut-off'), '--log', join(folder, 'cut-off-log')])
    expect(refused.err).includes('WEIR_IMPORT_INVALID').includes('flows are missing')
  })

  it('says when the event it is about has no bearing', async () => {
    const words = ['log', 'export', join(folder, 'aside'), '--log', state, '--around', String(culprit + 1)]
    const { code, err } = await runWeir([...words, '--span', '1m', '--incident', 'shop/web', 'shop/cart:8080'])
    expect(code, err).equals(0)
    expect(err).includes(`event ${culprit + 1} has no bearing on the flow`)
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
      expect(code, err).equals(0)
      expect(err).includes(`of the ${last - first + 1} from ${first} to ${last}`)
    }
  })

  it('is of a log whose first events are gone, too', async () => {
    const copy = join(folder, 'compacted')
    const whole = join(folder, 'whole.ndjson')
    await runWeir(['log', 'export', whole, '--log', state])
    await runWeir(['log', 'import', whole, '--log', copy])
    expect((await runWeir(['log', 'compact', '--keep', '40', '--log', copy])).code).equals(0)
    const words = ['log', 'export', join(folder, 'of-compacted'), '--log', copy, '--around', String(culprit)]
    const { code, err } = await runWeir([...words, '--span', '3m', '--incident', 'shop/db', 'shop/cart:8080'])
    expect(code, err).equals(0)
  })

  it('is about an event that a time names as well', async () => {
    const log = await EventLog.openReadOnly({ path: join(state, 'log') })
    const { time } = await eventAt(log, culprit)
    const seq = await log.seqAt(time)
    await log.close()
    const told = async (name: string, around: string): Promise<string> => {
      const words = ['log', 'export', join(folder, name), '--log', state, '--around', around]
      const { code, err } = await runWeir([...words, '--incident', 'shop/db', 'shop/cart:8080'])
      expect(code, err).equals(0)
      return readFile(join(folder, name), 'utf8')
    }
    expect(await told('by-time', new Date(time).toISOString())).equals(await told('by-number', String(seq)))
  })

  it('wants one flow, one event and a file', async () => {
    const at = ['--log', state, '--around', String(culprit)]
    const file = join(folder, 'never')
    for (const [words, status] of [
      [['log', 'export', file, ...at, '--incident', 'shop/db'], 2],
      [['log', 'export', file, ...at], 2],
      [['log', 'export', file, '--log', state, '--incident', 'shop/db', 'shop/cart:8080'], 2],
      [['log', 'export', ...at, '--incident', 'shop/db', 'shop/cart:8080'], 2],
      [['log', 'export', file, ...at, '--incident', 'shop/db', 'shop/cart:8080', '--key', 'k'], 2],
      [['log', 'export', file, '--log', state, '--pseudonymise'], 2],
      [['log', 'export', file, '--log', state, '--around', '99999', '--incident', 'shop/db', 'shop/cart:8080'], 5],
      [['log', 'export', file, ...at, '--incident', 'shop/ghost', 'shop/cart:8080'], 5],
    ] as const)
      expect((await runWeir([...words])).code, words.join(' ')).equals(status)
    expect(await stat(file).catch(() => undefined)).equals(undefined)
  })
})
