import { readFileSync, existsSync } from 'node:fs'
import { writeUndo } from '@weir/adapters/cli/commands/bisect-undo.js'
import { patchText } from '@weir/adapters/cli/render/undo.js'
import { manifestText } from '@weir/adapters/cli/render/yaml.js'
import { expect } from 'chai'
import { runWeir } from './run.js'
import { policy, StatesFolder } from './states-folder.js'

describe('weir bisect: what undoes it', function () {
  this.timeout(60_000)
  const states = new StatesFolder()
  const { folder, log } = states
  let good = 0

  before(async () => {
    await states.start()
    await states.follow(policy('db', 'db', 'web'))
    good = states.agent.engine.seq
    await states.follow(policy('db', 'db', 'wbe'))
  })
  after(() => states.end())

  const bisect = (...words: readonly string[]) =>
    runWeir(['bisect', 'shop/web-0', 'shop/db:5432', '--log', log, ...words], folder)
  const ends = () => ['--good', `${good}`, '--bad', `${states.agent.engine.seq}`]

  it('is told in words and as a patch, with what else changes and how many others were tried', async () => {
    const { code, out, err } = await bisect(...ends())
    expect(code, err).equals(0)
    const at = out.findIndex(line => line.startsWith('smallest undo'))
    expect(out[at]).matches(/^smallest undo {2}NetworkPolicy shop\/db: set spec\.ingress\[0\]\.from.* to "web"$/)
    const rest = out.slice(at).join('\n')
    expect(rest).matches(/\d+ changes tried, \d+ of them undoe?s? it/)
    expect(rest).matches(/^--- NetworkPolicy shop\/db\n\+\+\+ NetworkPolicy shop\/db\n@@ /m)
    expect(rest).matches(/^- .*wbe$\n^\+ .*web$/m)
  })

  it('is whole as JSON, and the patch has the lines of both', async () => {
    const { out } = await bisect(...ends(), '-o', 'json')
    const { undo: search } = JSON.parse(out.join('')) as { undo: { undo: Record<string, object>; tried: number } }
    expect(search.tried).greaterThan(1)
    const { before, after, object } = search.undo
    expect(after).deep.include({ kind: 'NetworkPolicy', metadata: { name: 'db', namespace: 'shop' } })
    const lines = patchText({ before, after, object } as never).split('\n')
    const text = (sign: string): string[] =>
      lines.filter(line => line.startsWith(sign) && !line.startsWith(sign.repeat(3))).map(line => line.slice(1))
    for (const [sign, written] of [
      ['-', before],
      ['+', after],
    ] as const)
      for (const line of text(sign)) expect(manifestText(written).split('\n')).includes(line)
    expect(text('-').length).equals(1)
  })

  it('is a manifest that a followed folder takes, after which the flow passes', async () => {
    const { code, err } = await bisect(...ends(), '--undo-file', 'undo.yaml')
    expect(code, err).equals(0)
    const why = () => runWeir(['why', 'shop/web-0', 'shop/db:5432', '--log', log], folder)
    expect((await why()).out[0]).matches(/denied$/)
    await states.follow(readFileSync(states.at('undo.yaml'), 'utf8'))
    expect((await why()).out[0]).matches(/allowed$/)
  })

  it('is no file where the object has to go, or there is none', async () => {
    const notes: string[] = []
    const context = { workingFolder: folder, terminal: { note: (text: string) => notes.push(text) } } as never
    const object = { kind: 'NetworkPolicy', namespace: 'shop', name: 'db' }
    const before = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'db' } }
    await writeUndo(context, { undo: { object, before } as never, tried: 1, undoing: 1 }, 'gone.yaml')
    await writeUndo(context, { tried: 1, undoing: 0 }, 'gone.yaml')
    expect(notes.map(note => /NetworkPolicy shop\/db has to be deleted|there is no undo/.exec(note)?.[0])).deep.equals([
      'NetworkPolicy shop/db has to be deleted',
      'there is no undo',
    ])
    expect(existsSync(states.at('gone.yaml'))).equals(false)
    expect(patchText({ object, before })).matches(/^--- NetworkPolicy shop\/db\n\+\+\+ \/dev\/null\n/)
  })
})
