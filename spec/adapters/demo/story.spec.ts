import { cellsOf, partiesOf, pluggablePods } from '@weir/adapters/demo/cells.js'
import { sibling, tellingPolicy } from '@weir/adapters/demo/change.js'
import { matrixLines } from '@weir/adapters/demo/matrix.js'
import { loadOracle } from '@weir/adapters/demo/oracle.js'
import { demoNetwork, giveAddresses } from '@weir/adapters/demo/addresses.js'
import { agrees, changesBetween, type Trial } from '@weir/adapters/demo/trial.js'
import { expect } from 'chai'
import { allow, engineOf, http, pod, smallShop } from '../agent/cluster.js'

const plain = (text: string): string => text
const colour = { good: plain, bad: plain, dim: plain, strong: plain }
const world = { name: 'world', addresses: ['203.0.113.1'], ports: [{ protocol: 'TCP', port: 443 }] } as const

describe('what a demo tries', () => {
  const { state } = engineOf(smallShop)

  it('is every party to every port of each pod, in the families that both have', () => {
    const cells = cellsOf(partiesOf(state, undefined))
    expect(cells.map(({ from, to, family, port }) => `${from} ${to} ${family} ${port}`)).to.deep.equal(
      ['shop/cart', 'shop/db', 'shop/web', 'host'].flatMap(from =>
        [4, 6].map(family => `${from} shop/cart ${family} 8080`),
      ),
    )
  })

  it('is the world as sender and target too, but not between the world and the node', () => {
    const cells = cellsOf(partiesOf(state, world))
    const names = new Set(cells.map(({ from, to }) => `${from} ${to}`))
    expect(names).to.include('world shop/cart').and.include('shop/web world')
    expect(names).not.to.include('host world')
    expect(cells.filter(({ to }) => to === 'world').every(({ family }) => family === 4)).to.equal(true)
  })

  it('leaves out pods of other nodes, of the host’s network, and without an address', () => {
    const { state: more } = engineOf([
      ...smallShop,
      { kind: 'pod.upserted', pod: pod('far', '10.0.1.9', { node: 'n2', ports: [http] }) },
      { kind: 'pod.upserted', pod: pod('hosted', '10.0.0.1', { hostNetwork: true, ports: [http] }) },
      { kind: 'pod.upserted', pod: { ...pod('new', '10.0.0.8'), addresses: [] } },
    ])
    expect(partiesOf(more, undefined).map(({ name }) => name)).to.deep.equal([
      'shop/cart',
      'shop/db',
      'shop/web',
      'host',
    ])
  })
})

describe('what a demo gives no interface', () => {
  const contestedIn = (...pods: [string, ...string[]][]) => {
    const { state } = engineOf([
      ...smallShop,
      ...pods.map(([name, ...addresses]) => ({
        kind: 'pod.upserted' as const,
        pod: { ...pod(name, '10.9.9.9'), addresses },
      })),
    ])
    const { pods: plugged, contested } = pluggablePods(state)
    expect(partiesOf(state, undefined).map(({ name }) => name)).to.deep.equal([...plugged.keys(), 'host'])
    return contested.map(({ pod: { name }, address, owner }) => `${name} ${address} ${owner}`)
  }

  it('is a pod whose address is a pod’s with a lower name, the node’s or the world’s', () => {
    expect(contestedIn(['two', '10.9.9.8'], ['one', '10.9.9.8'])).to.deep.equal(['two 10.9.9.8 shop/one'])
    expect(contestedIn(['a', '10.0.0.1'], ['b', demoNetwork.worldAddresses[0]])).to.deep.equal([
      'a 10.0.0.1 host',
      `b ${demoNetwork.worldAddresses[0]} world`,
    ])
  })
  it('is one that shares only its second address, and still owns the first', () => {
    expect(
      contestedIn(['a', '10.9.9.1', 'fd00:9::1'], ['b', '10.9.9.2', 'fd00:9::1'], ['c', '10.9.9.2']),
    ).to.deep.equal(['b fd00:9::1 shop/a', 'c 10.9.9.2 shop/b'])
  })
})

describe('what a demo changes', () => {
  it('is a policy whose end shows, by the reference semantics', async () => {
    const oracle = await loadOracle()
    const { state } = engineOf([
      ...smallShop,
      { kind: 'networkpolicy.upserted', policy: allow('idle', 'nobody', 'web', 1) },
    ])
    const cells = cellsOf(partiesOf(state, undefined))
    // web may already, the node and cart itself always: db is let in, in both families.
    expect(tellingPolicy(state, cells, oracle)).to.deep.equal({
      title: 'NetworkPolicy shop/cart',
      end: { kind: 'networkpolicy.deleted', namespace: 'shop', name: 'cart' },
      flips: 2,
    })
    expect(state.policies.size).to.equal(2)
  })

  it('may be a policy of any dialect', async () => {
    const oracle = await loadOracle()
    const rule = {
      path: 'spec',
      subject: { kind: 'endpoints', selector: [] },
      enableDefaultDeny: {},
      ingress: [{ path: 'spec.ingress[0]' }],
    } as const
    const policy = { kind: 'CiliumNetworkPolicy', namespace: 'shop', name: 'shut', rules: [rule] } as const
    const { state } = engineOf([
      ...smallShop.filter(({ kind }) => kind !== 'networkpolicy.upserted'),
      { kind: 'ciliumpolicy.upserted', policy },
    ])
    const told = tellingPolicy(state, cellsOf(partiesOf(state, undefined)), oracle)
    expect(told?.title).to.equal('CiliumNetworkPolicy shop/shut')
    expect(told?.end).to.deep.equal({
      kind: 'ciliumpolicy.deleted',
      policyKind: 'CiliumNetworkPolicy',
      namespace: 'shop',
      name: 'shut',
    })
  })

  it('is a new pod like one that is there, with an address that nobody has', () => {
    const { state } = engineOf(smallShop)
    const model = sibling(state)!
    expect(model).to.deep.include({ namespace: 'shop', name: 'cart-sibling', labels: { app: 'cart' }, addresses: [] })
    const { addresses } = giveAddresses(state, model)
    expect(addresses).to.have.length(2)
    expect([...state.pods.values()].flatMap(({ fact }) => fact.addresses)).not.to.include.oneOf([...addresses])
  })
})

describe('what a demo tells', () => {
  const cell = {
    from: 'shop/web',
    to: 'shop/cart',
    family: 4,
    protocol: 'TCP',
    port: 8080,
    flow: { from: '10.0.0.2', to: '10.0.0.3', protocol: 6, port: 8080 },
  } as const
  const trial = (more: Partial<Trial> & { readonly allowed?: boolean }): Trial => {
    const { allowed = true, ...rest } = more
    return {
      cell,
      outcome: { allowed, evidence: '' },
      expected: allowed,
      explained: allowed,
      causes: ['NetworkPolicy shop/cart spec.ingress[0]'],
      expectedCauses: [],
      ...rest,
    }
  }

  it('agrees only when packets, explanation and reference all do', () => {
    expect(agrees(trial({}))).to.equal(true)
    expect(agrees(trial({ expected: false }))).to.equal(false)
    expect(agrees(trial({ explained: false }))).to.equal(false)
    expect(agrees(trial({ allowed: false, expected: true, explained: true }))).to.equal(false)
  })

  it('marks each square: both families, one, none, or a disagreement', () => {
    const six = { ...cell, family: 6 } as const
    const rows = (trials: readonly Trial[]): string => matrixLines(trials, colour)[1]!.trim().split(/\s+/).at(-1)!
    expect(rows([trial({}), trial({ cell: six })])).to.equal('●')
    expect(rows([trial({ allowed: false }), trial({ cell: six })])).to.equal('6')
    expect(rows([trial({ allowed: false }), trial({ cell: six, allowed: false })])).to.equal('·')
    expect(rows([trial({}), trial({ cell: six, expected: false })])).to.equal('!')
  })

  it('knows what flipped and what is new', () => {
    const other = { ...cell, from: 'shop/db' } as const
    const changes = changesBetween([trial({})], [trial({ allowed: false }), trial({ cell: other })])
    expect(changes.flipped.map(({ after }) => after.outcome.allowed)).to.deep.equal([false])
    expect(changes.added.map(added => added.cell.from)).to.deep.equal(['shop/db'])
  })
})
