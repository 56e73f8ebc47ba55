import { expect } from 'chai'
import { ciliumCases } from './cilium-cases.js'
import { cilium, type DialectCase, onClient, onServer, tiered } from './dialect-case.js'
import { cidrCases } from './cidr-cases.js'
import { tierCases } from './tier-cases.js'
import { ManifestStage } from './manifest-stage.js'
import type { Line } from './semantics-cases.js'
import { requireKernel, type Verb } from './stage.js'

const bothFamilies = [4, 6] as const

describe('policies of every dialect on real packets (needs root and eBPF)', function () {
  let stage: ManifestStage
  let creating: Promise<ManifestStage> | undefined
  this.timeout(60_000)

  before(async function () {
    await requireKernel(this)
    creating = ManifestStage.create(`d${process.pid}`)
    stage = await creating
  })
  // Also one that was too late for the hook that asked for it.
  after(async () => (await creating?.catch(() => undefined))?.close())

  async function expectLines({ passes = [], fails = [], families = bothFamilies }: Partial<DialectCase>) {
    const tried = [...passes.map(line => ({ line, expected: true })), ...fails.map(line => ({ line, expected: false }))]
    const seen = await Promise.all(
      families.flatMap(family =>
        tried.map(async ({ line: [from, to, what], expected }) => {
          const [verb, port] = what.split(':')
          // One that should pass may take its time on a busy machine; one that shouldn't is believed after a while.
          const passed = await stage.passes(from, to, verb as Verb, Number(port ?? 0), family, expected ? 3000 : 300)
          return {
            text: `${from} → ${to} ${what} IPv${family}: ${passed ? 'passes' : 'fails'}`,
            right: passed === expected,
          }
        }),
      ),
    )
    expect(seen.filter(({ right }) => !right).map(({ text }) => text)).to.deep.equal([])
  }

  for (const [dialect, cases] of Object.entries({ cilium: ciliumCases, addresses: cidrCases, tiers: tierCases }))
    describe(dialect, () => {
      for (const example of cases)
        it(example.title, async () => {
          await stage.set(example.manifests.join('\n---\n'))
          expect(stage.refusals(), 'refusals').to.deep.equal([])
          await expectLines(example)
          for (const { line, reason, cause } of example.reasons ?? []) {
            const [from, to, what] = line
            const [verb, port] = what.split(':')
            const denial = await stage.denialOf(from, to, verb as Verb, Number(port ?? 0))
            expect(denial.reason).to.equal(reason)
            expect(denial.causes.join()).to.include(cause)
          }
        })
    })

  describe('names', () => {
    const toWorld: Line = ['red/client', 'world', 'TCP:443']
    const answered = (name: string, ttlSeconds: number) =>
      stage.agent.submit('dns', [
        {
          kind: 'dns.answered',
          answer: {
            name,
            addresses: [stage.addressOf('world', 4), stage.addressOf('world', 6)],
            ttlSeconds,
          },
        },
      ])

    it('toFQDNs means the addresses that DNS has answered, until the answer ends', async () => {
      await stage.set(cilium('red', '{endpointSelector: {}, egress: [{toFQDNs: [{matchPattern: "*.example.com"}]}]}'))
      await expectLines({ fails: [toWorld] })
      await answered('example.com', 600)
      await answered('a.b.example.com', 600)
      await expectLines({ fails: [toWorld] })
      await answered('api.example.com', 600)
      await expectLines({ passes: [toWorld], fails: [['red/client', 'office', 'TCP:443']] })
      await stage.set(cilium('red', '{endpointSelector: {}, egress: [{toFQDNs: [{matchName: API.example.com.}]}]}'))
      await expectLines({ passes: [toWorld], fails: [['red/client', 'office', 'TCP:443']] })
      await stage.agent.submit('time', [{ kind: 'time.passed', until: Date.now() + 601_000 }])
      await expectLines({ fails: [toWorld] })
    })

    it('a ClusterNetworkPolicy accepts domain names before any other policy', async () => {
      await stage.set(
        tiered(
          'names',
          `{tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [
            {action: Accept, to: [{domainNames: ["*.example.org"]}]},
            {action: Deny, to: [{networks: [0.0.0.0/0, "::/0"]}]}]}`,
        ),
      )
      await expectLines({ fails: [toWorld] })
      await answered('deep.down.example.org', 100_000)
      await expectLines({ passes: [toWorld], fails: [['red/client', 'office', 'TCP:443']] })
    })
  })

  describe('whom CIDRs match by the agent’s configuration', () => {
    const inside = cilium(
      'red',
      `{${onClient}, egress: [{toCIDR: [10.77.0.0/16, "fd77::/16", 192.0.2.0/24, "2001:db8:2::/48"]}]}`,
    )
    const toPod: Line = ['red/client', 'red/server', 'TCP:8080']
    const toNode: Line = ['red/client', 'neighbour', 'TCP:443']
    const match = (cidrMatch: readonly ('nodes' | 'pods')[]) =>
      stage.agent.submit('stage', state => [{ kind: 'agent.configured', agent: { ...state.agent!.fact, cidrMatch } }])
    after(() => stage && match([]))

    it('pods, nodes, both or neither', async () => {
      await stage.set(inside)
      await expectLines({ fails: [toPod, toNode] })
      await match(['pods'])
      await expectLines({ passes: [toPod], fails: [toNode] })
      await match(['nodes'])
      await expectLines({ passes: [toNode], fails: [toPod] })
      await match(['nodes', 'pods'])
      await expectLines({ passes: [toPod, toNode] })
    })
  })

  it('a version that is refused leaves the one before in force, and both are told', async () => {
    const from = (peers: string) => cilium('red', `{${onServer}, ingress: [{fromEndpoints: ${peers}}]}`)
    await stage.set(from('[{matchLabels: {app: client}}]'))
    await stage.set(from('[{matchLabels: {app: [client]}}], fromEntities: [wurld]'))
    expect(stage.refusals()).to.deep.equal([
      'spec.ingress[0].fromEndpoints[0].matchLabels.app: this is not a string',
      'spec.ingress[0].fromEntities[0]: this value is not supported',
      'spec.ingress[0].fromEntities: fromEntities stands beside fromEndpoints',
    ])
    const [view] = await stage.policies()
    expect(view).to.include({ kind: 'CiliumNetworkPolicy', namespace: 'red', state: 'in force; newer version refused' })
    expect(view?.problems.map(({ file, line, value }) => [file, line, value])).to.deep.equal([
      [stage.file, 4, '["client"]'],
      [stage.file, 4, '"wurld"'],
      [stage.file, 4, undefined],
    ])
    await expectLines({
      passes: [['red/client', 'red/server', 'TCP:8080']],
      fails: [['blue/client', 'red/server', 'TCP:8080']],
    })
    await stage.set(from('[]'))
    expect((await stage.policies()).map(({ state }) => state)).to.deep.equal(['in force'])
    await expectLines({ fails: [['red/client', 'red/server', 'TCP:8080']] })
  })
})
