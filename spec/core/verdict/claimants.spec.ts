import { Engine, type EventBody, verdicts } from '@weir/core'
import type { CiliumDirectionRule } from '@weir/core/event/cilium.js'
import type { LabelSelector } from '@weir/core/policy/selector.js'
import { expect } from 'chai'
import { agent, is, node, noPod, observed, pod, policy, Scene } from '../log.js'

const { allow } = verdicts
const web = '10.0.0.1'

const clusterwide = (
  name: string,
  subject: { readonly kind: 'nodes' | 'endpoints'; readonly selector: LabelSelector },
  ...ingress: readonly Omit<CiliumDirectionRule, 'path'>[]
): EventBody => ({
  kind: 'ciliumpolicy.upserted',
  policy: {
    kind: 'CiliumClusterwideNetworkPolicy',
    namespace: '',
    name,
    rules: [
      {
        path: 'spec',
        subject,
        enableDefaultDeny: {},
        ingress: ingress.map((each, at) => ({ ...each, path: `spec.ingress[${at}]` })),
      },
    ],
  },
})

const fromNodes = (...selectors: readonly LabelSelector[]): EventBody =>
  clusterwide('n', { kind: 'endpoints', selector: [] }, { peers: { kind: 'nodes', selectors } })

const zoned = (name: string, address: string, zone: string): EventBody => node(name, [address], { labels: { zone } })

/** A pod that is its node. */
const onHost = (name: string, address: string, on: string): EventBody =>
  pod(`a/${name}`, {}, address, { node: on, hostNetwork: true })

const scene = (...bodies: readonly EventBody[]): Scene => {
  const made = new Scene()
  made.apply(agent(), pod('a/web', { app: 'web' }, web), ...bodies)
  return made
}

const endpointsOf = ({ engine }: Scene): readonly (readonly [string, number])[] =>
  [...engine.tables.endpoints].map(([slot, row]) => [row.pod, slot] as const).sort()

describe('hostNetwork pods', () => {
  it('have the labels that their node has, also when it changes', () => {
    const made = scene(
      zoned('n', '192.168.5.1', 'x'),
      onHost('proxy', '192.168.5.9', 'n'),
      fromNodes([is('zone', 'y')]),
    )
    expect(made.verdict('192.168.5.9', web)).not.equals(allow)
    made.apply(zoned('n', '192.168.5.1', 'y'))
    expect(made.verdict('192.168.5.9', web)).equals(allow)
  })

  it('are of the node that runs them now', () => {
    const made = scene(
      zoned('m', '192.168.5.1', 'x'),
      zoned('n', '192.168.5.2', 'x'),
      onHost('proxy', '192.168.5.9', 'm'),
      fromNodes([is('zone', 'y')]),
    )
    made.apply(onHost('proxy', '192.168.5.9', 'n'))
    made.apply(zoned('m', '192.168.5.1', 'y'))
    expect(made.verdict('192.168.5.9', web)).not.equals(allow)
    made.apply(zoned('n', '192.168.5.2', 'y'))
    expect(made.verdict('192.168.5.9', web)).equals(allow)
  })

  it('were pods before, or become such', () => {
    const made = scene(zoned('here', '192.168.5.1', 'x'))
    const as = (hostNetwork: boolean): EventBody => pod('a/proxy', {}, '192.168.5.9', { hostNetwork })
    made.apply(as(false))
    expect(endpointsOf(made)).deep.equals([
      ['proxy', 2],
      ['web', 1],
    ])
    made.apply(as(true))
    expect(endpointsOf(made)).deep.equals([['web', 1]])
    expect(made.engine.tables.addresses.get('192.168.5.9')?.identity).equals(1)
    made.apply(as(false))
    expect(endpointsOf(made).map(([name]) => name)).deep.equals(['proxy', 'web'])
    expect(made.engine.tables.addresses.get('192.168.5.9')?.identity).above(255)
  })
})

describe('what a device of this node has', () => {
  it('goes by the labels of whichever node this is', () => {
    const made = scene(
      zoned('here', '192.168.5.1', 'x'),
      zoned('there', '192.168.5.2', 'y'),
      pod('a/other', {}, '10.0.0.2', { node: 'there' }),
      observed('192.0.2.77'),
      fromNodes([is('zone', 'y')]),
    )
    expect(made.classOf('192.0.2.77')).equals(made.classOf('192.168.5.1'))
    made.apply(agent([], 'there'))
    expect(made.classOf('192.0.2.77')).equals(made.classOf('192.168.5.2'))
    expect(made.classOf('192.0.2.77')).not.equals(made.classOf('192.168.5.1'))
  })
})

describe('endpoints', () => {
  it('are those of pods that run here', () => {
    const made = scene(pod('a/far', {}, '10.0.0.2', { node: 'there' }), pod('a/pending', {}, '10.0.0.3', { node: '' }))
    expect(endpointsOf(made)).deep.equals([['web', 1]])
  })

  it('take slots from one up, whoever went before', () => {
    const made = scene(
      pod('a/far', {}, '10.0.0.2', { node: 'there' }),
      pod('a/farther', {}, '10.0.0.4', { node: 'there' }),
    )
    made.apply(noPod('a/far'), pod('a/farther', { app: 'x' }, '10.0.0.4', { node: 'there' }))
    made.apply(pod('a/near', {}, '10.0.0.3'))
    expect(endpointsOf(made)).deep.equals([
      ['near', 2],
      ['web', 1],
    ])
  })

  it('keep their slots over a restart, which come free when the pod is gone', () => {
    const made = scene(pod('a/x', {}, '10.0.0.2'), pod('a/y', {}, '10.0.0.3'))
    made.apply(noPod('a/x'))
    const again = new Scene(Engine.restore(structuredClone(made.engine.snapshot())))
    expect(endpointsOf(again)).deep.equals([
      ['web', 1],
      ['y', 3],
    ])
  })
})

describe('the node as a subject', () => {
  const host = (zone: string): EventBody => clusterwide('h', { kind: 'nodes', selector: [is('zone', zone)] }, {})

  it('is one while a policy selects it, and not while one selects another node', () => {
    const made = scene(zoned('here', '192.168.5.1', 'x'), zoned('there', '192.168.5.2', 'y'), host('y'))
    expect(made.subjectOf('192.168.5.1')).equals(0)
    made.apply(host('x'))
    expect(made.subjectOf('192.168.5.1')).above(0)
    made.apply(host('y'))
    expect(made.subjectOf('192.168.5.1')).equals(0)
  })

  it('has its fail-safe ports among the rules for as long as some policy selects nodes', () => {
    const failSafe = ({ engine }: Scene): boolean =>
      [...engine.rules()].some(({ origin }) => origin.policy === 'built-in: fail-safe ports')
    const made = scene(zoned('here', '192.168.5.1', 'x'), policy('p', {}))
    expect(failSafe(made)).equals(false)
    made.apply(host('y'))
    expect(failSafe(made)).equals(true)
    made.apply({
      kind: 'ciliumpolicy.deleted',
      policyKind: 'CiliumClusterwideNetworkPolicy',
      namespace: '',
      name: 'h',
    })
    expect(failSafe(made)).equals(false)
  })
})
