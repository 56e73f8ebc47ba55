import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { SnapshotAnswer } from '@weir/adapters/agent/protocol.js'
import { expect } from 'chai'
import { AgentProcess, pause } from '../agent-process.js'
import { requireKernel } from '../stage.js'
import { CniSite, nodeAddresses, podCidrs } from './site.js'

/** Not all at once: a runtime has so many workers. */
const workers = 20

describe('an agent that is killed while pods come and go (needs root and eBPF)', function () {
  this.timeout(240_000)
  let site: CniSite
  let agent: AgentProcess

  before(async function () {
    await requireKernel(this)
    site = await CniSite.open('crash')
    const manifests = join(site.folder, 'manifests')
    mkdirSync(manifests)
    agent = new AgentProcess(site.socketPath, [
      ...['--state', site.stateFolder, '--manifests', manifests, '--node', site.node, '--backend', 'kernel'],
      ...['--netns', site.network.netnsPath, '--node-address', ...nodeAddresses, '--pod-cidr', ...podCidrs],
      ...['--cni', '--pod-wait', '0s', '--masquerade', 'off'],
    ])
    await agent.start()
  })
  after(async () => {
    await agent?.end('SIGKILL')
    await site?.close()
  })

  const stateOf = async () => (await agent.client.get<SnapshotAnswer>('/v1/snapshot')).engine.state
  const entriesOf = async (map: string): Promise<number> =>
    (await agent.status()).backend.maps.find(({ name }) => name === map)!.entries

  /** Devices, addresses and wiring are of the same containers. */
  async function expectWhole(): Promise<ReadonlySet<string>> {
    const { attachments = [], endpoints, pods } = await stateOf()
    const facts = attachments.map(([, { fact }]) => fact)
    expect(facts.map(({ device }) => device).sort()).to.deep.equal([...site.devices()].sort())
    expect(endpoints.map(([, { fact }]) => fact.ifname).sort()).to.deep.equal(facts.map(({ device }) => device).sort())
    expect(pods.flatMap(([, { fact }]) => fact.addresses).sort()).to.deep.equal(
      facts.flatMap(({ addresses }) => addresses).sort(),
    )
    return new Set(facts.map(({ container }) => container))
  }

  for (const [when, delayMs] of [
    ['soon', 150],
    ['later', 700],
  ] as const)
    it(`leaves no address, interface, entry or event behind: killed ${when}`, async () => {
      const fours = await entriesOf('weir_addr4')
      const runtime = site.runtime()
      const leaving = await site.sandboxes(20)
      for (const sandbox of leaving) await runtime.add(sandbox)
      const coming = await site.sandboxes(80)
      const work = [
        ...coming.map(sandbox => () => runtime.add(sandbox)),
        ...leaving.map(sandbox => () => runtime.del(sandbox)),
      ]
      // Those that go are spread among those that come.
      const mixed = work.map((_, at) => work[(at * 37) % work.length]!)
      let failed = 0
      const worker = async (): Promise<void> => {
        for (let next = mixed.shift(); next !== undefined; next = mixed.shift())
          await next().catch(() => {
            failed += 1
          })
      }
      const working = Promise.all(Array.from({ length: workers }, worker))
      await pause(delayMs)
      await agent.end('SIGKILL')
      await working
      expect(failed, 'it was killed in the middle').to.be.greaterThan(0)

      await agent.start()
      const there = await expectWhole()
      // What ADD answered is there; what it didn't answer may be.
      const answered = coming.filter(({ container }) => runtime.resultOf(container) !== undefined)
      expect(answered.filter(({ container }) => !there.has(container))).to.deep.equal([])
      for (const sandbox of answered) await runtime.check(sandbox)

      const kept = answered.slice(0, Math.floor(answered.length / 2))
      await runtime.collect(kept.map(({ container }) => container))
      expect([...(await expectWhole())].sort()).to.deep.equal(kept.map(({ container }) => container).sort())
      for (const sandbox of [...coming, ...leaving]) await runtime.del(sandbox)
      expect((await expectWhole()).size).to.equal(0)
      expect((await stateOf()).endpoints).to.deep.equal([])
      expect(await entriesOf('weir_addr4')).to.equal(fours)
    })
})
