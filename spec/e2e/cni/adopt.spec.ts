import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { requireKernel } from '../stage.js'
import { CniSite } from './site.js'
import type { Sandbox } from './runtime.js'

describe('an agent that has lost its log (needs root and eBPF)', function () {
  this.timeout(120_000)
  let site: CniSite

  before(async function () {
    await requireKernel(this)
    site = await CniSite.open('adopt')
    await site.start()
  })
  after(() => site?.close())

  /** What the reference library of the specification keeps of a container. */
  function remember(folder: string, { container, args }: Sandbox, result: unknown): void {
    const cniArgs = args!.split(';').map(pair => pair.split('='))
    const kept = { kind: 'cniCacheV1', containerId: container, ifName: 'eth0', networkName: 'weir', cniArgs, result }
    writeFileSync(join(folder, `weir-${container}-eth0`), JSON.stringify(kept))
  }

  it('takes over pods that the runtime remembers, and lets be those that nobody knows', async () => {
    const [known, forgotten, newcomer] = await site.sandboxes(3, at => `old-${at}`)
    const runtime = site.runtime()
    const results = join(site.folder, 'results')
    mkdirSync(results)
    remember(results, known!, await runtime.add(known!))
    await runtime.add(forgotten!)
    for (const [name, text] of [
      ['torn', '{"kind":"cniCacheV1","containerId":'],
      ['other', '{"kind":"cniCacheV1","containerId":7,"ifName":"eth0","networkName":"x","result":{}}'],
      ['list', '[]'],
    ] as const)
      writeFileSync(join(results, name), text)
    const { attachments } = site.agent.engine.state
    const before = attachments.get(`${known!.container}/eth0`)!.fact
    const lost = attachments.get(`${forgotten!.container}/eth0`)!.fact
    const devices = site.devices()
    await site.stop()
    rmSync(site.stateFolder, { recursive: true })

    const reports: string[] = []
    await site.start({ cni: { podWaitMs: 50, resultsFolder: results }, report: text => reports.push(text) })
    expect(site.devices()).to.have.members([...devices])
    const facts = [...site.agent.engine.state.attachments.values()].map(({ fact }) => fact)
    expect(facts).to.deep.equal([before])
    expect(reports.filter(text => text.includes(lost.device))).to.have.lengthOf(1)
    expect(reports.filter(text => text.includes('taken over'))).to.have.lengthOf(1)
    await runtime.check(known!)

    // Neither's addresses are given again.
    await runtime.add(newcomer!)
    const given = site.agent.engine.state.attachments.get(`${newcomer!.container}/eth0`)!.fact
    expect([...before.addresses, ...lost.addresses]).not.to.include.members([given.addresses[0]])
    expect([...before.addresses, ...lost.addresses]).not.to.include.members([given.addresses[1]])
    await runtime.del(known!)
    expect(site.devices()).not.to.include(before.device)
  })
})
