import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAgent } from '@weir/adapters/agent/agent.js'
import type { AgentOptions } from '@weir/adapters/agent/agent-options.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { makeFolder } from '@weir/adapters/agent/folder.js'
import { answerer } from '@weir/adapters/agent/routes.js'
import type { WeirError } from '@weir/core'
import { expect } from 'chai'
import { allow, http, pod, smallShop } from './cluster.js'

describe('an agent’s options', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-options-'))
  after(() => rmSync(folder, { recursive: true }))
  let count = 0

  const start = (options: Partial<AgentOptions>) =>
    createAgent({
      stateFolder: join(folder, `${++count}`),
      node: 'n1',
      backend: 'memory',
      clock: systemClock,
      ...options,
    })
  const refusalOf = async (options: Partial<AgentOptions>): Promise<WeirError> => {
    const agent = await start(options).catch((error: WeirError) => error)
    if (agent instanceof Error) return agent
    await agent.stop()
    throw new Error('the agent started')
  }

  for (const [title, options, path] of [
    ['an address', { nodeAddresses: ['10.0.0.1', 'bogus'] }, 'nodeAddresses[1]'],
    ['an address with a zone', { nodeAddresses: ['fe80::1%eth0'] }, 'nodeAddresses[0]'],
    ['a pod network', { podCidrs: ['10.0.0.0/99'] }, 'podCidrs[0]'],
    ['a block of node ports', { nodePortAddresses: ['192.0.2.1'] }, 'nodePortAddresses[0]'],
    ['a node’s name', { node: '../../x' }, 'node'],
    ['no name', { node: '' }, 'node'],
    ['a port', { failSafePorts: [22, 70_000] }, 'failSafePorts[1]'],
    ['a cluster’s name', { cluster: 'a\u001b[2J' }, 'cluster'],
  ] as const)
    it(`are refused before anything is written: ${title}`, async () => {
      const error = await refusalOf(options)
      expect(error.code).to.equal('WEIR_REQUEST_INVALID')
      expect(
        (error.payload as unknown as { problems: { path: string }[] }).problems.map(each => each.path),
      ).to.deep.equal([path])
      expect(() => statSync(join(folder, `${count}`))).to.throw('ENOENT')
    })

  it('become facts in the one spelling that facts have', async () => {
    const agent = await start({ nodeAddresses: ['FD00:0::1', '10.0.0.1'], podCidrs: ['10.0.0.7/8'] })
    const { addresses, podCidrs } = agent.engine.state.nodes.get('n1')!.fact
    await agent.stop()
    expect({ addresses, podCidrs }).to.deep.equal({ addresses: ['10.0.0.1', 'fd00::1'], podCidrs: ['10.0.0.0/8'] })
  })

  it('say whom CIDRs match, and no longer say so when they are left out', async () => {
    const stateFolder = join(folder, 'match')
    const matched = async (options: Partial<AgentOptions>) => {
      const agent = await start({ stateFolder, ...options })
      const { fact } = agent.engine.state.agent!
      await agent.stop()
      return fact.cidrMatch
    }
    expect(await matched({ cidrMatch: ['pods', 'nodes', 'pods'] })).to.deep.equal(['nodes', 'pods'])
    expect(await matched({})).to.equal(undefined)
  })

  it('say which ports stay open: ssh and the API server unless said, none only when said so', async () => {
    for (const [options, said, held] of [
      [{}, undefined, [22, 6443]],
      [{ failSafePorts: [6443, 2222, 2222] }, [2222, 6443], [2222, 6443]],
      [{ failSafePorts: [] }, [], []],
    ] as const) {
      const agent = await start(options)
      const { host } = await agent.status()
      const fact = agent.engine.state.agent!.fact
      await agent.stop()
      expect(fact.failSafePorts).to.deep.equal(said)
      expect(host).to.deep.equal({ isJudged: false, failSafePorts: held, devices: [] })
    }
  })

  it('size the maps: what has no room is told, and is in force once there is some', async () => {
    const agent = await start({ mapSizes: { weir_addr4: 4 } })
    const entries = () => [...agent.datapath.backend.maps.weir_addr4.entries()].length
    try {
      await agent.submit('spec', smallShop.slice(1))
      const before = entries()
      const pods = [1, 2, 3, 4, 5].map(each => pod(`more${each}`, `10.0.9.${each}`, { ports: [http] }))
      const code = await agent
        .submit(
          'spec',
          pods.map(each => ({ kind: 'pod.upserted' as const, pod: each })),
        )
        .then(
          () => 'none',
          (error: WeirError) => error.code,
        )
      expect(code).to.equal('WEIR_MAP_FULL')
      expect(entries()).to.equal(before)
      expect((await agent.status()).reconcile.failing).to.contain('weir_addr4')
      await agent
        .submit('spec', [{ kind: 'networkpolicy.upserted', policy: allow('late', 'web', 'cart', 8080) }])
        .catch(() => {})
      await agent.submit(
        'spec',
        pods.map(({ namespace, name }) => ({ kind: 'pod.deleted' as const, namespace, name })),
      )
      expect((await agent.status()).reconcile.failing).to.equal(undefined)
      expect(entries()).to.equal(before)
    } finally {
      await agent.stop()
    }
  })
})

describe('an agent’s questions', () => {
  it('are refused when the method or a device’s number is none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-questions-'))
    const stateFolder = join(folder, 'state')
    const agent = await createAgent({ stateFolder, node: 'n1', backend: 'memory', clock: systemClock })
    try {
      const ask = (method: string, path: string[], body?: unknown) =>
        answerer(agent)({ method, path, query: new URLSearchParams(), body }).then(
          () => 'answered',
          (error: WeirError) => error.code,
        )
      const macs = { hostMac: 'aa:bb:cc:dd:ee:ff', podMac: 'aa:bb:cc:dd:ee:fe' }
      const attach = (ifindex: number) =>
        ask('POST', ['endpoints'], { namespace: 'shop', pod: 'web', ifname: 'veth1', ifindex, ...macs })
      expect(await ask('PUT', ['status'])).to.equal('WEIR_NOT_FOUND')
      for (const ifindex of [0, -1, 1.5, 2 ** 31, 1e300])
        expect(await attach(ifindex), String(ifindex)).to.equal('WEIR_REQUEST_INVALID')
      expect(agent.engine.state.endpoints.size).to.equal(0)
      expect(await attach(2 ** 31 - 1)).to.equal('answered')
    } finally {
      await agent.stop()
      rmSync(folder, { recursive: true })
    }
  })
})

describe('a folder that is made', () => {
  it('ends with an error where there can be none', async () => {
    const error = await makeFolder('/proc/weir-nowhere/a/b', 0o700).catch((each: NodeJS.ErrnoException) => each.code)
    expect(error).to.equal('ENOENT')
  })
  it('has the mode that was asked for, at each level, and may be there already', async () => {
    const top = mkdtempSync(join(tmpdir(), 'weir-folder-'))
    try {
      await makeFolder(join(top, 'a/b'), 0o700)
      await makeFolder(join(top, 'a/b'), 0o700)
      expect(statSync(join(top, 'a')).mode & 0o777).to.equal(0o700)
      expect(statSync(join(top, 'a/b')).mode & 0o777).to.equal(0o700)
    } finally {
      rmSync(top, { recursive: true })
    }
  })
})
