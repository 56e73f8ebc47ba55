import { expect } from 'chai'
import { Engine, type EventBody, verdicts } from '@weir/core'
import type { CiliumRule } from '@weir/core/event/cilium.js'
import { agent, ipBlock, is, noPod, noPolicy, pod, policy, Scene, tcp } from '../log.js'

const apps = Array.from({ length: 12 }, (_, at) => at)
const addressOf = (at: number): string => `10.1.0.${at}`

/** A local web, and 12 remote pods no two of which are alike, within 10.1.0.0/16, which a policy names already. */
function crowd(): Scene {
  const scene = new Scene()
  const remote = (at: number) => ({
    node: 'there',
    ports: [{ name: 'http', protocol: 'TCP', port: 80 + (at % 2) }] as const,
  })
  scene.apply(
    agent(),
    pod('a/web', { app: 'web' }, '10.0.0.1'),
    ...apps.map(at => pod(`a/p${at}`, { app: `p${at}` }, addressOf(at), remote(at))),
    policy('first', {
      podSelector: [is('app', 'web')],
      policyTypes: ['ingress', 'egress'],
      ingress: [{ peers: [ipBlock('10.1.0.0/16')], ports: [tcp(1)] }],
    }),
  )
  // Rows are written: the groups of the prefix have classes.
  return scene
}

/** The digest of a state that nobody changed step by step. */
function agreesWithReplay(scene: Scene): void {
  const anew = new Engine()
  anew.fold(scene.log.events)
  expect(scene.engine.digest()).to.deep.equal(anew.digest())
}

const classes = (scene: Scene): number => new Set(apps.map(at => scene.classOf(addressOf(at)))).size

describe('a block around a named prefix that many kinds of pods are in', () => {
  it('holds for all of them from its coming to its going, and its hole for none', () => {
    const scene = crowd()
    const passes = (port: number): boolean[] =>
      apps.map(at => scene.verdict(addressOf(at), '10.0.0.1', port) === verdicts.allow)
    const all = (is: boolean): boolean[] => apps.map(() => is)
    const takes = (cidr: string, ...except: string[]) =>
      policy('q', {
        podSelector: [is('app', 'web')],
        ingress: [{ peers: [ipBlock(cidr, ...except)], ports: [tcp(2)] }],
      })
    for (let time = 0; time < 2; time += 1) {
      scene.apply(takes('10.0.0.0/8'))
      expect(passes(2)).to.deep.equal(all(true))
      scene.apply(takes('10.0.0.0/8', '10.1.0.0/16'))
      expect(passes(2)).to.deep.equal(all(false))
      scene.apply(takes('10.0.0.0/7'))
      expect(passes(2)).to.deep.equal(all(true))
      agreesWithReplay(scene)
      scene.apply(noPolicy('q'))
      expect([...passes(2), ...passes(1)]).to.deep.equal([...all(false), ...all(true)])
      expect(classes(scene)).to.equal(1)
      agreesWithReplay(scene)
    }
  })

  it('holds together with others that come at once, and for none that goes before it is looked at', () => {
    const scene = crowd()
    const takes = (name: string, cidr: string, port: number) =>
      policy(name, { podSelector: [is('app', 'web')], ingress: [{ peers: [ipBlock(cidr)], ports: [tcp(port)] }] })
    const passes = (port: number): boolean[] =>
      apps.map(at => scene.verdict(addressOf(at), '10.0.0.1', port) === verdicts.allow)
    scene.apply(takes('q', '10.0.0.0/8', 2), takes('r', '10.0.0.0/7', 3), takes('s', '8.0.0.0/5', 4), noPolicy('s'))
    for (const port of [2, 3]) expect(passes(port)).to.deep.equal(apps.map(() => true))
    expect(passes(4).includes(true)).to.equal(false)
    agreesWithReplay(scene)
    scene.apply(noPolicy('q'), noPolicy('r'))
    expect(classes(scene)).to.equal(1)
    for (const port of [2, 3]) expect(passes(port).includes(true)).to.equal(false)
    agreesWithReplay(scene)
  })

  it('holds for each of those who are alike', () => {
    const scene = crowd()
    const twins = ['10.1.1.1', '10.1.1.2', '10.1.1.3']
    scene.apply(...twins.map((address, at) => pod(`a/twin${at}`, { app: 'twin' }, address, { node: 'there' })))
    scene.apply(
      policy('q', { podSelector: [is('app', 'web')], ingress: [{ peers: [ipBlock('10.0.0.0/8')], ports: [tcp(2)] }] }),
    )
    for (const twin of twins) expect(scene.verdict(twin, '10.0.0.1', 2), twin).to.equal(verdicts.allow)
    scene.apply(noPod('a/twin2'), noPolicy('q'))
    for (const twin of twins.slice(0, 2)) expect(scene.verdict(twin, '10.0.0.1', 2), twin).to.equal(verdicts.deny)
    agreesWithReplay(scene)
  })

  const cilium = (rule: Partial<CiliumRule>): EventBody => ({
    kind: 'ciliumpolicy.upserted',
    policy: {
      kind: 'CiliumNetworkPolicy',
      namespace: 'a',
      name: 'c',
      rules: [
        { path: 'spec', subject: { kind: 'endpoints', selector: [is('app', 'web')] }, enableDefaultDeny: {}, ...rule },
      ],
    },
  })

  it('holds for none of them when it speaks of addresses outside the cluster', () => {
    const scene = crowd()
    const cidrs = [{ kind: 'cidr', cidr: '10.0.0.0/8', except: [] }] as const
    scene.apply(cilium({ ingress: [{ path: 'spec.ingress[0]', peers: { kind: 'cidrs', cidrs } }] }))
    const passes = (from: string): boolean => scene.verdict(from, '10.0.0.1', 2) === verdicts.allow
    expect(apps.map(at => passes(addressOf(at))).includes(true)).to.equal(false)
    expect(passes('10.1.9.9')).to.equal(true)
    agreesWithReplay(scene)
  })

  it('takes their named ports along when it goes from a group of blocks', () => {
    const scene = crowd()
    const group = (cidr: string): EventBody => ({
      kind: 'cidrgroup.upserted',
      group: { name: 'g', labels: {}, cidrs: [cidr] },
    })
    const passes = (): number[] =>
      apps.filter(at => scene.verdict('10.0.0.1', addressOf(at), 80 + (at % 2)) === verdicts.allow)
    scene.apply(
      { kind: 'agent.configured', agent: { node: 'here', cluster: 'default', labelFilter: [], cidrMatch: ['pods'] } },
      cilium({
        egress: [
          {
            path: 'spec.egress[0]',
            peers: { kind: 'cidrs', cidrs: [{ kind: 'group', name: 'g', except: [] }] },
            ports: [{ ranges: [], named: [{ name: 'http', protocol: 6 }], serverNames: [] }],
          },
        ],
      }),
    )
    for (let time = 0; time < 2; time += 1) {
      scene.apply(group('10.0.0.0/8'))
      expect(passes()).to.deep.equal(apps)
      scene.apply(group('20.0.0.0/8'))
      expect(passes()).to.deep.equal([])
      expect(classes(scene)).to.equal(1)
      agreesWithReplay(scene)
    }
  })

  it('tells them apart by their named ports while an egress rule asks, and no longer', () => {
    const scene = crowd()
    const asks = (cidr: string) =>
      policy('q', {
        podSelector: [is('app', 'web')],
        policyTypes: ['egress'],
        egress: [{ peers: [ipBlock(cidr)], ports: [tcp('http')] }],
      })
    const passes = (port: number): boolean[] =>
      apps.map(at => scene.verdict('10.0.0.1', addressOf(at), port) === verdicts.allow)
    for (let time = 0; time < 2; time += 1) {
      scene.apply(asks('10.0.0.0/8'))
      expect(passes(80)).to.deep.equal(apps.map(at => at % 2 === 0))
      expect(passes(81)).to.deep.equal(apps.map(at => at % 2 === 1))
      expect(classes(scene)).to.equal(2)
      scene.apply(asks('20.0.0.0/8'))
      expect([...passes(80), ...passes(81)].includes(true)).to.equal(false)
      expect(classes(scene)).to.equal(1)
      agreesWithReplay(scene)
    }
  })
})
