import { diffFacts } from '@weir/adapters/manifests/diff.js'
import { readManifests } from '@weir/adapters/manifests/read.js'
import { Engine, type EventDraft } from '@weir/core'
import { EventLog, folderStorage } from '@weir/store'
import { expect } from 'chai'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runWeir } from './run.js'

const pod = (name: string, address: string): string => `apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, labels: { app: ${name} } }
spec: { nodeName: n1, containers: [{ name: c, image: i }] }
status: { podIP: ${address}, podIPs: [{ ip: ${address} }] }
---
`
const policy = (peer: string, ...managers: readonly string[]): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: db
  namespace: shop
  managedFields:
${managers.map((manager, at) => `  - { manager: ${manager}, operation: Update, time: "2026-01-31T12:0${at}:00Z" }\n`).join('')}
spec:
  podSelector: { matchLabels: { app: db } }
  ingress: [{ from: [{ podSelector: { matchLabels: { app: ${peer} } } }] }]
`
const start = Date.UTC(2026, 0, 31, 13)
const who = 'by kubectl-edit (Update, 2026-01-31T12:01:00.000Z)'

describe('who changed an object', () => {
  let folder: string
  let at: string
  let drafts: EventDraft[]

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-spec-by-'))
    at = join(folder, 'log')
    const file = join(folder, 'all.yaml')
    const engine = new Engine()
    drafts = []
    const say = async (text: string): Promise<number> => {
      await writeFile(file, text)
      const more = diffFacts(engine.state, await readManifests(file), { timeMs: start + engine.seq * 1000 })
      engine.apply(more.map((draft, index) => ({ ...draft, seq: engine.seq + 1 + index })))
      drafts.push(...more)
      return more.length
    }
    const pods = pod('web', '10.0.0.2') + pod('db', '10.0.0.3')
    expect(await say(pods + policy('web', 'argocd'))).to.equal(3)
    expect(await say(pods + policy('web', 'argocd', 'kubectl-touch')), 'only another writer').to.equal(0)
    expect(await say(pods + policy('wbe', 'argocd', 'kubectl-edit'))).to.equal(1)
    const holder = { pid: process.pid, command: 'spec', since: 0 }
    const log = await EventLog.open({ storage: folderStorage({ path: at, holder }) })
    await log.append(drafts)
    await log.close()
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const weir = async (...words: string[]): Promise<string> => {
    const { code, out, err } = await runWeir([...words, '--log', at], folder)
    expect(code, err).to.be.lessThan(2)
    return out.join('\n')
  }

  it('stands with the event, and in no digest', () => {
    expect(drafts.map(({ by }) => by?.manager)).to.deep.equal(['argocd', undefined, undefined, 'kubectl-edit'])
    const digestOf = (events: readonly EventDraft[]): string => {
      const engine = new Engine()
      engine.apply(events.map((draft, index) => ({ ...draft, seq: index + 1 })))
      return engine.digest().hex
    }
    expect(digestOf(drafts)).to.equal(digestOf(drafts.map(({ by: _, ...draft }) => draft)))
  })

  it('is told by log list, show and their selection', async () => {
    expect(await weir('log', 'list', '--by', 'kubectl')).to.match(
      new RegExp(`^ +4 .*all.yaml:\\d+, ${escaped(who)}\\)$`),
    )
    expect((await weir('log', 'show', '4')).split('\n')[0]).to.contain(who)
    expect(JSON.parse(await weir('log', 'list', '--from', '4', '-o', 'json')).by.manager).to.equal('kubectl-edit')
  })

  it('is told by history and bisect of the culprit, and of the rules before', async () => {
    for (const words of [
      ['history', '--from', '4'],
      ['bisect', '--good', '3', '--bad', '4'],
    ]) {
      const [command = '', ...options] = words
      const lines = (await weir(command, 'shop/web', 'shop/db:80', ...options)).split('\n')
      expect(lines[0], command).to.contain(who)
      expect(lines.join('\n'), command).to.match(/before .*\n.*event 1, all\.yaml:\d+, by argocd\)/)
    }
    const history = await weir('history', 'shop/web', 'shop/db:80', '--from', '4', '-o', 'json')
    expect(JSON.parse(history).by).to.deep.equal({
      manager: 'kubectl-edit',
      operation: 'Update',
      time: Date.UTC(2026, 0, 31, 12, 1),
    })
  })

  it('is told by why of each rule that it names', async () => {
    expect(await weir('why', 'shop/web', 'shop/db:80')).to.match(/event 4, all\.yaml:\d+, by kubectl-edit\)/)
    const asked = await runWeir(['why', 'shop/web', 'shop/db:80', '--log', `${at}@3`], folder)
    expect(asked.out.join('\n')).to.match(/event 1, all\.yaml:\d+, by argocd\)/)
  })
})

const escaped = (text: string): string => text.replace(/[.()]/g, '\\$&')
