import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { runWeir } from './run.js'
import { policy, StatesFolder } from './states-folder.js'

const service = (selector: string, targetPort = 5432) => `
apiVersion: v1
kind: Service
metadata: { name: store, namespace: shop }
spec: { clusterIP: 10.96.0.9, selector: { app: ${selector} }, ports: [{ port: 80, targetPort: ${targetPort} }] }
`

describe('a service as where a flow goes', function () {
  this.timeout(60_000)
  const states = new StatesFolder()
  const { folder, log } = states
  const seqs: number[] = []

  before(async () => {
    await states.start()
    const open = policy('db', 'db', 'web')
    const shut = policy('db', 'db', 'nobody-else')
    for (const text of [
      `${open}---${service('db')}`,
      `${shut}---${service('db')}`,
      `${open}---${service('db')}`,
      `${open}---${service('bd')}`,
    ]) {
      await states.follow(text)
      seqs.push(states.agent.engine.seq)
    }
  })
  after(() => states.end())

  const weir = async (...words: readonly string[]) => {
    const { code, out, err } = await runWeir([...words, '--log', log], folder)
    expect(code, err).equals(0)
    return out
  }
  const wordings = ['10.96.0.9:80', 'svc/store:80', 'shop/svc/store:80', 'store.shop.svc:80']

  it('has a history of its translation and of what policies say of the way to its backends', async () => {
    for (const to of wordings) {
      const out = await weir('history', 'shop/web-0', to)
      const states = out
        .filter(line => / → service /.test(line))
        .map(line => /(\S+(?: \S+)?) → (\S+(?: \S+)?)$/.exec(line))
      expect(
        states.map(found => found?.slice(1)),
        out.join('\n'),
      ).deep.equals([
        // The policy before lets nobody in.
        ['not there', 'denied'],
        ['denied', 'allowed'],
        ['allowed', 'denied'],
        ['denied', 'allowed'],
        ['allowed', 'refused'],
      ])
      expect(out.join('\n')).includes('goes to 10.1.0.')
      expect(out.filter(line => line.startsWith('event ')).map(line => line.split(/ {2,}/)[2])).deep.equals([
        'service.upserted',
        'networkpolicy.upserted',
        'networkpolicy.upserted',
        'networkpolicy.upserted',
        'endpointslice.deleted',
      ])
    }
  })

  it('is told whole as JSON', async () => {
    const out = await weir('history', 'shop/web-0', 'svc/store:80', '-o', 'json')
    const changes = out.map(line => JSON.parse(line) as { changes: string[]; outcome: object; after: object[] })
    expect(changes.map(({ changes: each }) => each)).deep.equals([
      ['translation', 'verdict'],
      ['verdict'],
      ['verdict'],
      ['verdict'],
      ['translation'],
    ])
    expect(changes[0]!.after[0]).deep.include({ service: 'shop/store', port: 80, outcome: 'balanced' })
  })

  it('is bisected by what becomes of connections, and the policy is put right', async () => {
    const ends = ['--good', `${seqs[0]}`, '--bad', `${seqs[1]}`]
    const out = await weir('bisect', 'shop/web-0', '10.96.0.9:80', ...ends)
    expect(out[0]).matches(/^event \d+ .* NetworkPolicy shop\/db /)
    expect(out[1]).equals('  shop/web-0 → service shop/store 80/TCP  allowed → denied')
    expect(out.find(line => line.startsWith('smallest undo'))).includes('NetworkPolicy shop/db: set ')
  })

  it('gets its selector back where that lost its backends, and connections pass', async () => {
    const ends = ['--good', `${seqs[2]}`, '--bad', `${seqs[3]}`]
    const out = await weir('bisect', 'shop/web-0', 'svc/store:80', ...ends, '--undo-file', 'undo.yaml')
    expect(out[1]).equals('  shop/web-0 → service shop/store 80/TCP  allowed → refused')
    expect(out.find(line => line.startsWith('smallest undo'))).equals(
      'smallest undo  Service shop/store: set spec.selector.app to "db"',
    )
    await states.follow(`${policy('db', 'db', 'web')}---\n${readFileSync(states.at('undo.yaml'), 'utf8')}`)
    expect((await weir('why', 'shop/web-0', 'svc/store:80')).join('\n')).matches(/allowed/)
  })

  it('is asked about alone', async () => {
    const flows = [
      { from: 'shop/web-0', to: 'svc/store:80' },
      { from: 'shop/web-0', to: 'shop/db:5432' },
    ]
    const text = flows.map(flow => JSON.stringify(flow)).join('\n')
    const words = ['history', '--flows', '-', '--log', log]
    const { code, err } = await runWeir(words, folder, new AbortController().signal, text)
    expect(code, err).equals(2)
    expect(err).includes('a service is asked about alone')
  })
})
