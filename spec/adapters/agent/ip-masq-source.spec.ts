import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { defaultNonMasqueradeCidrs } from '@weir/core/input/ip-masq.js'
import { expect } from 'chai'

describe('an agent that follows ip-masq-agent’s configuration', function () {
  this.timeout(30_000)
  const folder = mkdtempSync(join(tmpdir(), 'weir-ip-masq-'))
  const config = join(folder, 'mounted')
  const path = join(config, 'config')
  let agent: Agent
  const start = (ipMasqConfig?: string) =>
    createAgent({
      stateFolder: join(folder, 'state'),
      node: 'n1',
      backend: 'memory',
      clock: systemClock,
      masquerade: ['ipv4'],
      nativeRoutingCidrs: ['10.20.0.0/16'],
      ...(ipMasqConfig !== undefined && { ipMasqConfig }),
    })
  const prefixes = () => [...agent.engine.tables.nonMasquerade].map(([prefix]) => prefix).sort()
  const source = async () => (await agent.status()).sources[0]
  const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await what())) await new Promise(resolve => setTimeout(resolve, 20))
  }

  before(async () => {
    mkdirSync(config)
    agent = await start(path)
    await agent.ready
  })
  after(async () => {
    await agent.stop()
    rmSync(folder, { recursive: true })
  })

  it('does without a file what ip-masq-agent does', () => {
    const expected = [...defaultNonMasqueradeCidrs, '10.20.0.0/16', '169.254.0.0/16', 'fe80::/10']
    expect(prefixes()).to.deep.equal(expected.sort())
  })
  it('takes it over when it comes, in YAML and in JSON, and when a ConfigMap’s folder is replaced', async () => {
    writeFileSync(path, 'nonMasqueradeCIDRs:\n- 10.0.0.0/8\nmasqLinkLocal: true\nresyncInterval: 60s\n')
    await until(() => prefixes().join() === '10.0.0.0/8,10.20.0.0/16,fe80::/10')
    writeFileSync(path, JSON.stringify({ nonMasqueradeCIDRs: ['fd00::/8'], masqLinkLocalIPv6: true }))
    await until(() => prefixes().join() === '10.20.0.0/16,169.254.0.0/16,fd00::/8')
    for (const [name, cidr] of [
      ['..one', '10.1.0.0/16'],
      ['..two', '10.2.0.0/16'],
    ] as const) {
      mkdirSync(join(config, name))
      writeFileSync(join(config, name, 'config'), `nonMasqueradeCIDRs: [${cidr}]\nmasqLinkLocal: true\n`)
      symlinkSync(name, join(config, '..new'))
      renameSync(join(config, '..new'), join(config, '..data'))
      if (name === '..one') {
        rmSync(path)
        symlinkSync('..data/config', path)
      }
      await until(() => prefixes().join() === `${cidr},10.20.0.0/16,fe80::/10`)
    }
  })
  it('says with file, line and field what it can’t understand, and leaves in force what was', async () => {
    const before = prefixes()
    writeFileSync(join(config, '..two/config'), 'masqLinkLocal: true\nnonMasqueradeCIDRs:\n- 10.0.0.0/33\n')
    await until(async () => (await source())?.state === 'failing')
    expect((await source())?.error).to.match(/mounted\/config:3:nonMasqueradeCIDRs\[0\]: this is not a CIDR/)
    expect(prefixes()).to.deep.equal(before)
  })
  it('goes on from the log, and forgets the file when it isn’t told of one any more', async () => {
    const before = prefixes()
    await agent.stop()
    agent = await start(path)
    expect(prefixes()).to.deep.equal(before)
    await agent.stop()
    agent = await start()
    expect(prefixes()).to.deep.equal(['10.20.0.0/16'])
  })
})
