import { mkdirSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { runWeir } from './run.js'
import { pods, policy, StatesFolder } from './states-folder.js'

describe('weir lint', function () {
  this.timeout(20_000)
  const states = new StatesFolder()
  const { folder, socket, log } = states
  const at = (name: string): string => states.at(name)

  before(() => states.start())
  after(() => states.end())

  describe('lint', () => {
    it('names file, line, policy and path, and ends with 1 when asked to', async () => {
      mkdirSync(at('doubtful'))
      writeFileSync(at('doubtful/pods.yaml'), pods)
      writeFileSync(at('doubtful/policy.yaml'), policy('db', 'dbb', 'web'))
      const { code, out } = await runWeir(['lint', 'doubtful', '--fail-on', 'warning'], folder)
      expect(code).to.equal(1)
      expect(out[0]).to.equal(
        'doubtful/policy.yaml:6: warning: NetworkPolicy shop/db spec.podSelector: it selects no pod: ' +
          'no pod has app=dbb [selects-nothing]',
      )
      expect(out[1]!.trim()).to.equal('there is app=db')
      expect((await runWeir(['lint', 'doubtful', '--fail-on', 'error'], folder)).code).to.equal(0)
      const json = await runWeir(['lint', 'doubtful', '-o', 'json'], folder)
      expect(JSON.parse(json.out[0]!)).to.have.nested.property('findings[0].place', 'doubtful/policy.yaml:6')
    })

    it('has nothing to say of a sound folder, nor of the agent that follows one', async () => {
      const { code, out } = await runWeir(['lint', 'closed', '--fail-on', 'info'], folder)
      expect([code, out]).to.deep.equal([0, ['nothing found of 1 policy']])
      expect((await runWeir(['lint', '--socket', socket])).code).to.equal(0)
    })
  })

  describe('lint, by its options', () => {
    const doubtful = policy('db', 'dbb', 'web')

    it('reads one file, and standard input, with the lines of fields', async () => {
      writeFileSync(at('one.yaml'), `${pods}---\n${doubtful}`)
      const file = await runWeir(['lint', 'one.yaml'], folder)
      const piped = await runWeir(['lint', '-', '-o', 'json'], folder, undefined, `${pods}---\n${doubtful}`)
      expect(file.out[0]).to.match(/^one\.yaml:26: warning: NetworkPolicy shop\/db spec\.podSelector: /)
      expect(JSON.parse(piped.out[0]!)).to.have.nested.property('findings[0].place', 'stdin:26')
    })

    it('finds lines in lists too', async () => {
      const item = doubtful.trim().replaceAll('\n', '\n    ')
      writeFileSync(at('list.yaml'), `apiVersion: v1\nkind: List\nitems:\n  - ${item}\n---\n${pods}`)
      const { out } = await runWeir(['lint', 'list.yaml'], folder)
      expect(out[0]).to.match(/^list\.yaml:8: warning: NetworkPolicy shop\/db spec\.podSelector: /)
    })

    it('names the object’s line where an agent or a log knows no more', async () => {
      await states.follow(policy('db', 'dbb', 'web'))
      for (const state of [['--socket', socket], ['--log', log], [log]]) {
        const { out } = await runWeir(['lint', ...state], folder)
        expect(out[0]).to.match(/^followed\/policy\.yaml:2: warning: NetworkPolicy shop\/db spec\.podSelector: /)
      }
    })

    it('is complete as JSON, with what is declared to be meant', async () => {
      const meant = doubtful.replace('{ name', "{ annotations: { weir.io/lint-ignore: 'selects-nothing' }, name")
      const run = (...options: string[]) =>
        runWeir(['lint', '-', ...options], folder, undefined, `${pods}---\n${meant}`)
      const { code, out } = await run('-o', 'json', '--fail-on', 'info')
      expect(code).to.equal(0)
      expect(JSON.parse(out[0]!)).to.deep.equal({
        findings: [],
        ignored: [
          {
            kind: 'selects-nothing',
            severity: 'warning',
            policy: 'NetworkPolicy shop/db',
            path: 'spec.podSelector',
            seq: 2,
            message: 'it selects no pod: no pod has app=dbb',
            suggestion: 'there is app=db',
            place: 'stdin:26',
          },
        ],
        policies: 1,
        pods: 3,
      })
      expect((await run()).out).to.deep.equal(['nothing found of 1 policy; 1 more is declared to be meant'])
    })

    it('fails at the severity that it is told, and at graver ones', async () => {
      const codes = async (yaml: string) => {
        const run = async (least: string): Promise<number> =>
          (await runWeir(['lint', '-', '--fail-on', least], folder, undefined, `${pods}---\n${yaml}`)).code
        return [await run('error'), await run('warning'), await run('info')]
      }
      const note = policy('db', 'db', 'web')
        .replace(/from: .*/, 'ports: [{ port: 5432 }]')
        .replace(/ {6}ports.*\n$/, '')
      expect(await codes(note)).to.deep.equal([0, 0, 1])
      expect(await codes(doubtful)).to.deep.equal([0, 1, 1])
      expect(await codes(doubtful.replace('[Ingress]', '[Egress]'))).to.deep.equal([1, 1, 1])
      expect((await runWeir(['lint', 'closed', '--fail-on', 'note'], folder)).code).to.equal(2)
    })

    it('takes what is refused for an error: a field, or a file that is no YAML', async () => {
      const broken = await runWeir(['lint', 'broken.yaml', '--fail-on', 'error'], folder)
      expect(broken.code).to.equal(1)
      expect(broken.out[0]).to.match(
        /^broken\.yaml:10: error: NetworkPolicy shop\/web spec\.ingress\[0\]\.ports\[0\]\.port: /,
      )
      expect(broken.out[0]).to.include('[refused]')
      const yaml = `${policy('db', 'db', 'web')}---\na: [\n`
      const piped = await runWeir(['lint', '-', '--fail-on', 'error'], folder, undefined, yaml)
      expect(piped.code).to.equal(1)
      expect(piped.out[0]).to.match(/^stdin:13: error: Manifest stdin: it is refused: this is not YAML/)
      expect(piped.out.at(-1)).to.equal('there are no pods here: selectors were not held against any')
    })

    it('says what is not there', async () => {
      expect((await runWeir(['lint', 'nowhere'], folder)).code).to.equal(5)
      expect((await runWeir(['lint', '--log', 'nowhere'], folder)).code).to.equal(5)
      expect((await runWeir(['lint', '--socket', at('nobody')], folder)).code).to.equal(3)
    })
  })
})
