import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { runWeir } from './run.js'
import { policy, StatesFolder } from './states-folder.js'

describe('weir bisect', function () {
  this.timeout(60_000)
  const states = new StatesFolder()
  const { folder, socket, log } = states
  /** The event that lets the flow through, and the one that stops it. */
  let opened = 0
  let closed = 0

  before(async () => {
    await states.start()
    await states.follow(policy('db', 'db', 'web'))
    opened = states.agent.engine.seq
    for (const name of ['a', 'b', 'c'])
      await states.follow(`${policy('db', 'db', 'web')}---${policy(name, 'web', name)}`)
    await states.follow(policy('db', 'db', 'nobody'))
    closed = states.agent.engine.seq
    // The policies that went with it are an event each.
    for await (const batch of states.agent.log.read({ from: opened }))
      for (const event of batch)
        if (event.seq > opened && event.kind === 'networkpolicy.upserted' && event.policy.name === 'db')
          closed = event.seq
    for (const name of ['d', 'e']) await states.follow(`${policy('db', 'db', 'nobody')}---${policy(name, 'web', name)}`)
  })
  after(() => states.end())

  const bisect = (...words: readonly string[]) => runWeir(['bisect', ...words], folder)
  const ends = () => ['--good', `${opened}`, '--bad', `${states.agent.engine.seq}`]

  it('finds the event that broke a flow, live and offline, and tells what it changed', async () => {
    const words = ['shop/web-0', 'shop/db:5432', ...ends()]
    const { code, out, err } = await bisect(...words, '--log', log)
    expect(code, err).equals(0)
    expect(out[0]).matches(new RegExp(`^event ${closed} .* NetworkPolicy shop/db  \\(followed/policy.yaml:2\\)$`))
    expect(out[1]).equals('  shop/web-0 → shop/db 5432/TCP  allowed → denied')
    expect(out.join('\n')).includes('ingress allows: NetworkPolicy shop/db spec.ingress[0]')
    expect(
      out.some(line => /- web +\| +- nobody/.test(line)),
      out.join('\n'),
    ).equals(true)
    expect(out.at(-2)).matches(
      new RegExp(
        `^putting NetworkPolicy shop/db back as of event ${opened} undoes it; weir compare tells \\d+ changes? then$`,
      ),
    )
    expect(out.at(-1)).matches(/^\d states tried$/)
    expect((await bisect(...words, '--socket', socket)).out).deep.equals(out)
  })

  it('gives all of it as JSON', async () => {
    const { out } = await bisect('shop/web-0', 'shop/db:5432', ...ends(), '--log', log, '-o', 'json')
    const found = JSON.parse(out.join('')) as Record<string, Record<string, unknown>>
    expect(found).includes({ good: closed - 1, bad: closed })
    expect(found.event).includes({ seq: closed, kind: 'networkpolicy.upserted' })
    expect(found.object).has.keys('before', 'after')
  })

  it('says when what broke a flow would not mend it any more, and when the object would have to go', async () => {
    const flow = ['shop/web-0', 'shop/db:5432', '--log', log]
    const found = await bisect(...flow, '--good', `${states.beforePolicy}`, '--bad', `${states.beforePolicy + 1}`)
    expect(found.out.at(-2)).matches(
      /^taking NetworkPolicy shop\/db away undoes it; weir compare tells [1-9]\d* changes? then$/,
    )
    // Other policies isolate web by then, and the flow ends there, too.
    await states.follow(`${policy('db', 'db', 'nobody')}---${policy('more', 'db', 'nobody')}`)
    const isolating = policy('web', 'web', 'db').replace('[Ingress]', '[Ingress, Egress]')
    await states.follow(`${policy('db', 'db', 'nobody')}---${isolating}`)
    const later = await bisect(...flow, '--good', `${opened}`, '--bad', `${states.agent.engine.seq}`)
    expect(later.out.at(-2), later.err).matches(/ does not undo it in the bad state; /)
  })

  it('tries states by a command, which is told how to ask them', async () => {
    const check = states.at('check.mjs')
    writeFileSync(
      check,
      `import { strict as assert } from 'node:assert'
       const { WEIR_BISECT_STATE: state, WEIR_BISECT_LOG: log, WEIR_BISECT_SEQ: seq } = process.env
       assert.equal(state, log + '@' + seq)
       const skipped = process.argv.slice(2).map(Number)
       process.exit(skipped.includes(Number(seq)) ? 125 : Number(seq) < ${closed} ? 0 : 3)`,
    )
    const found = await bisect('--command', 'node', check, ...ends(), '--log', log)
    expect(found.code, found.err).equals(0)
    expect(found.out[0]).matches(new RegExp(`^event ${closed} `))
    const skipping = ['--command', 'node', check, `${closed}`, `${closed - 1}`, ...ends(), '--log', log]
    const unsure = await bisect(...skipping, '-o', 'json')
    expect(JSON.parse(unsure.out.join(''))).includes({ good: closed - 2, bad: closed + 1 })
    expect((await bisect(...skipping)).out[0]).equals(
      `it is one of the events ${closed - 1} to ${closed + 1}: the states between were skipped`,
    )
  })

  it('refuses what it can not bisect', async () => {
    const exit = (status: number): string => {
      const file = states.at(`exit-${status}.mjs`)
      writeFileSync(file, `process.exit(${status})`)
      return file
    }
    const flow = ['shop/web-0', 'shop/db:5432']
    const wrong: readonly (readonly string[])[] = [
      [...flow, '--good', `${opened}`, '--bad', `${opened + 1}`],
      [...flow, '--good', '-0s', '--bad', `${opened}`],
      [...flow, '--good', `${opened}`, '--bad', '99999'],
      [...flow, '--good', `${opened}`],
      ['shop/web-0', ...ends()],
      [...flow, '--command', 'true', ...ends()],
      ['--command', 'node', exit(0), ...ends()],
      ['--command', 'node', exit(1), ...ends()],
      ['--command', 'node', exit(128), ...ends()],
    ]
    const same = await bisect(...flow, '--good', '3', '--bad', '3', '--log', log)
    expect([same.code, same.err.split('\n')[0]]).deep.equals([
      2,
      'weir: the good and the bad state are the same: 3 (WEIR_REQUEST_INVALID)',
    ])
    for (const words of wrong) expect((await bisect(...words, '--log', log)).code, words.join(' ')).equals(2)
    expect((await bisect('--command', states.at('nothing-here'), ...ends(), '--log', log)).code).equals(6)
  })
})
