import { expect } from 'chai'
import fc from 'fast-check'
import { Engine, type EventBody, type NetworkPolicyPeer, verdicts } from '@weir/core'
import type { AddressScope, PeerSelector } from '@weir/core/policy/rule.js'
import { peerText } from '@weir/core/policy/text.js'
import { askedOf } from '@weir/core/verdict/block-list.js'
import { agent, ipBlock, is, noPolicy, pod, pods, policy, Scene, tcp } from '../log.js'

const { allow, deny } = verdicts
const web = '10.0.0.1'
const http = { ports: [{ name: 'http', protocol: 'TCP', port: 80 }], node: 'there' } as const

/** A local pod, and remote ones of whom two are in blocks that policies name. */
function scene(): Scene {
  const made = new Scene()
  made.apply(
    agent(),
    pod('a/web', { app: 'web' }, web),
    pod('a/x', { app: 'x' }, '20.0.1.1', http),
    pod('a/y', { app: 'y' }, '20.1.0.1', http),
    pod('a/z', { app: 'z' }, '10.1.0.1', http),
  )
  return made
}

type Ports = Parameters<typeof tcp>[0]

const asks = (name: string, peers: readonly NetworkPolicyPeer[], port: Ports) =>
  policy(name, {
    podSelector: [is('app', 'web')],
    policyTypes: ['egress'],
    egress: [{ peers, ports: [tcp(port)] }],
  })
const takes = (name: string, peers: readonly NetworkPolicyPeer[], port: number) =>
  policy(name, { podSelector: [is('app', 'web')], ingress: [{ peers, ports: [tcp(port)] }] })

function agreesWithReplay(made: Scene): void {
  const anew = new Engine()
  anew.fold(made.log.events)
  expect(made.engine.digest()).to.deep.equal(anew.digest())
}

const bits = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)

function isIn(block: string, address: string): boolean {
  const [base, length] = block.split('/') as [string, string]
  const size = 2 ** (32 - Number(length))
  return Math.floor(bits(base) / size) === Math.floor(bits(address) / size)
}

const blocks = ['20.0.0.0/8', '20.0.0.0/15', '20.0.0.0/16', '20.1.0.0/16', '20.0.1.0/24', '20.0.1.1/32', '30.0.0.0/8']
const probes = ['20.0.1.1', '20.1.0.1', '20.0.1.2', '20.0.2.2', '20.1.0.2', '20.2.0.1', '30.0.0.1', '10.1.0.1']
const apps: Readonly<Record<string, string>> = { x: '20.0.1.1', y: '20.1.0.1', z: '10.1.0.1' }

const peer = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({ cidr: fc.constantFrom(...blocks), except: fc.subarray(blocks, { maxLength: 2 }) })
      .map(({ cidr, except }) => ({
        peer: ipBlock(cidr, ...except),
        means: (address: string) => isIn(cidr, address) && !except.some(hole => isIn(hole, address)),
      })),
  },
  fc
    .constantFrom(...Object.keys(apps))
    .map(app => ({ peer: pods(is('app', app)), means: (address: string) => apps[app] === address })),
)

const step = fc.record({
  name: fc.constantFrom('numbers', 'more', 'names', 'takes'),
  peers: fc.array(peer, { minLength: 1, maxLength: 5 }),
  goes: fc.boolean(),
  alone: fc.boolean(),
})

describe('what a rule asks of peers', () => {
  const block = (cidr: string, scope: AddressScope): PeerSelector => ({ kind: 'cidr', cidr, except: [], scope })
  const group = (scope: AddressScope): PeerSelector => ({
    kind: 'set',
    source: { kind: 'group', name: 'g' },
    cidrs: [],
    except: [],
    scope,
  })
  const labelled: PeerSelector = { kind: 'labels', selector: [is('app', 'x')] }
  const asked = (...peers: readonly PeerSelector[]) => {
    const { apart, together } = askedOf(new Map(peers.map(peer => [peerText(peer), peer])))
    return [[...apart.values()], [...together].map(([scope, blocks]) => [scope, [...blocks.values()]])]
  }

  it('is asked together of blocks that are several of a scope, and of nobody else', () => {
    const [one, other, outside] = [
      block('10.0.0.0/8', 'any'),
      block('20.0.0.0/8', 'any'),
      block('30.0.0.0/8', 'outside'),
    ]
    const others = [outside, group('any'), labelled]
    expect(asked(one, ...others, other)).to.deep.equal([others, [['any', [one, other]]]])
    for (const peers of [[one], [one, outside], [one, group('any')], [group('any'), group('outside'), labelled]])
      expect(asked(...peers)).to.deep.equal([peers, []])
  })
})

describe('the blocks of a rule', () => {
  it('are one question: addresses in any of them are of one class, and a policy is one cell more', () => {
    const made = scene()
    const many = Array.from({ length: 100 }, (_, n) => ipBlock(`40.0.${n}.0/24`, `40.0.${n}.128/25`))
    const { prefixes, cells } = made.apply(asks('p', many, 443))
    expect(prefixes.length).to.equal(200)
    expect(new Set(prefixes.map(({ after }) => after!.peerClass)).size).to.equal(2)
    expect(cells.filter(({ after }) => after !== undefined && after.peerClass !== 0).length).to.equal(1)
  })

  it('are told from those of another rule that names some of them', () => {
    const made = scene()
    made.apply(
      asks('p', [ipBlock('20.0.0.0/16'), ipBlock('30.0.0.0/8')], 80),
      asks('q', [ipBlock('30.0.0.0/8'), ipBlock('40.0.0.0/8')], 81),
    )
    const passes = (port: number): string =>
      ['20.0.0.9', '30.0.0.9', '40.0.0.9', '50.0.0.9']
        .map(to => (made.verdict(web, to, port) === allow ? 'yes' : 'no'))
        .join(' ')
    expect(passes(80)).to.equal('yes yes no no')
    expect(passes(81)).to.equal('no yes yes no')
  })

  it('keep their holes to themselves: what one excepts another may name', () => {
    const made = scene()
    made.apply(asks('p', [ipBlock('20.0.0.0/8', '20.0.1.0/24'), ipBlock('20.0.1.1/32')], 80))
    expect(made.verdict(web, '20.0.1.1')).to.equal(allow)
    expect(made.verdict(web, '20.0.1.2')).to.equal(deny)
    made.apply(asks('p', [ipBlock('20.0.0.0/8', '20.0.1.0/24'), ipBlock('20.0.0.0/8', '20.1.0.0/16')], 80))
    expect(made.verdict(web, '20.0.1.2')).to.equal(allow)
    expect(made.verdict(web, '20.1.0.2')).to.equal(allow)
    agreesWithReplay(made)
  })

  it('stay named in explanations, each by itself', () => {
    const made = scene()
    made.apply(asks('p', [ipBlock('20.0.0.0/16'), ipBlock('30.0.0.0/8')], 80))
    const rules = [...made.engine.rules()].filter(
      ({ origin }) => origin.seq > 0 && origin.path.startsWith('spec.egress'),
    )
    expect(rules.map(({ peers }) => peers)).to.deep.equal([
      ['20.0.0.0/16', '30.0.0.0/8'].map(cidr => ({ kind: 'cidr', cidr, except: [], scope: 'any' })),
    ])
  })

  it('mean the same as they come and go with a policy’s versions, and the digest is that of a replay', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), steps => {
        const made = scene()
        const said = new Map<string, (typeof steps)[number]['peers']>()
        const eventOf = ({ name, peers }: (typeof steps)[number]): EventBody => {
          const wanted = peers.map(each => each.peer)
          if (name === 'takes') return takes(name, wanted, 80)
          return asks(name, wanted, name === 'numbers' ? 80 : name === 'more' ? 81 : 'http')
        }
        let batch: EventBody[] = []
        for (const [at, each] of steps.entries()) {
          const goes = each.goes && said.has(each.name)
          batch.push(goes ? noPolicy(each.name) : eventOf(each))
          if (goes) said.delete(each.name)
          else said.set(each.name, each.peers)
          if (!each.alone && at < steps.length - 1) continue
          made.apply(...batch)
          batch = []
          const isolates = ['numbers', 'more', 'names'].some(name => said.has(name))
          const means = (name: string, address: string): boolean =>
            said.get(name)?.some(one => one.means(address)) === true
          for (const address of probes) {
            const named = Object.values(apps).includes(address) && means('names', address)
            const expected = [
              !isolates || means('numbers', address) || named,
              !isolates || means('more', address),
              !said.has('takes') || means('takes', address),
            ]
            const found = [
              made.verdict(web, address, 80),
              made.verdict(web, address, 81),
              made.verdict(address, web, 80),
            ].map(verdict => verdict === allow)
            expect(found, address).to.deep.equal(expected)
          }
          agreesWithReplay(made)
        }
      }),
      { numRuns: 100 },
    )
  }).timeout(60_000)
})
