import { Engine, matrixOf, type Matrix, verdicts } from '@weir/core'
import { portsText } from '@weir/core/compare/port-text.js'
import { contains, packetKey } from '@weir/core/verdict/intervals.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { histories, numbered } from '../../oracle/generate/history.js'
import { interestingPorts } from '../../oracle/generate/flows.js'
import { sampling } from '../../oracle/generate/seed.js'
import { clusterOf } from '../../oracle/index.js'
import { agent, ipBlock, is, namespace, pod, pods, policy, Scene, tcp } from '../log.js'

function shop(): Scene {
  const scene = new Scene()
  scene.apply(
    agent(),
    namespace('a', { team: 'x' }),
    pod('a/web-1', { app: 'web', tier: 'front' }, '10.0.0.1', { workload: 'Deployment/web' }),
    pod('a/web-2', { app: 'web', tier: 'front' }, '10.0.0.2', { workload: 'Deployment/web' }),
    pod('a/db', { app: 'db' }, '10.0.0.3'),
    pod('b/api', { app: 'api' }, '10.0.0.4'),
    policy('db', {
      podSelector: [is('app', 'db')],
      ingress: [{ peers: [pods(is('app', 'web')), ipBlock('203.0.113.0/24')], ports: [tcp(5432)] }],
    }),
  )
  return scene
}

const text = ({ cells }: Matrix, from: string, to: string): string | undefined => {
  const cell = cells.find(each => each.from === from && each.to === to)
  return cell && [cell.all, cell.some].map(ranges => (ranges.length === 0 ? '-' : portsText(ranges))).join(' | ')
}

describe('matrix', () => {
  it('takes pods together by workload and tells what all of them may do', () => {
    const matrix = matrixOf(shop().engine, 'workload')
    expect(matrix.parties).to.deep.equal(['a/db', 'a/web', 'b/api', 'remote-node', 'world', '203.0.113.0/24'])
    expect(text(matrix, 'a/web', 'a/db')).to.equal('tcp/5432 | tcp/5432')
    expect(text(matrix, 'b/api', 'a/db')).to.equal('- | -')
    expect(text(matrix, '203.0.113.0/24', 'a/db')).to.equal('tcp/5432 | tcp/5432')
    expect(text(matrix, 'a/db', 'a/db')).to.equal(undefined)
    expect(text(matrix, 'a/web', 'a/web')).to.equal('any | any')
  })

  it('tells by namespace and by label what some of them may do only', () => {
    const { engine } = shop()
    expect(text(matrixOf(engine, 'namespace'), 'a', 'a')).to.equal('tcp/5432 | any')
    const byTier = matrixOf(engine, { label: 'tier' })
    expect(text(byTier, 'tier=front', 'no tier')).to.equal('tcp/5432 | any')
    expect(matrixOf(engine, { label: 'team' }).parties).to.include.members(['team=x', 'no team'])
  })

  it('says of every two pods what asking about them says', () => {
    fc.assert(
      fc.property(histories(25), fc.nat(1000), (batches, salt) => {
        const bodies = batches.flat()
        const engine = new Engine()
        engine.apply(numbered(bodies))
        const cells = new Map(matrixOf(engine, 'workload').cells.map(cell => [`${cell.from} ${cell.to}`, cell]))
        const ports = interestingPorts(clusterOf(numbered(bodies)))
        const owned = [...engine.state.pods.values()].flatMap(({ fact }) =>
          fact.addresses
            .slice(0, 1)
            .map(address => ({ address, name: `${fact.namespace}/${fact.name}`, count: fact.addresses.length })),
        )
        for (const from of owned) {
          for (const to of owned) {
            const { protocol, port } = ports[salt % ports.length]!
            const said = engine.explain({ from: from.address, to: to.address, protocol, port })
            const mine = said.from.name === from.name && said.to.name === to.name && from.name !== to.name
            const sameFamily = from.address.includes(':') === to.address.includes(':')
            if (!mine || !sameFamily || from.count > 1 || to.count > 1) continue
            const { all } = cells.get(`${from.name} ${to.name}`)!
            const keys = all.flatMap(({ protocols, ports: [first, last] }) => [
              packetKey(protocols[0], first),
              packetKey(protocols[1], last),
            ])
            expect(contains(keys, packetKey(protocol, port))).equals(said.verdict === verdicts.allow)
          }
        }
      }),
      sampling('matrix = asking', 60),
    )
  })
})
