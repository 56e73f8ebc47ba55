import { nearestRules } from '@weir/core'
import { expect } from 'chai'
import { agent, is, node, policy, pod, Scene } from '../log.js'

const here = '192.168.0.1'
const there = '192.168.0.2'
const block = { kind: 'cidr', cidr: '10.9.0.0/16', except: [] } as const
const tcp = (port: number) => ({ ranges: [{ protocol: 6, first: port, last: port }], named: [], serverNames: [] })

/** The allowances nearest to a flow to this node, as lines. */
function near(from: string, port: number): readonly string[] {
  const { engine } = made()
  const { ingress } = nearestRules(engine, engine.explain({ from, to: here, protocol: 6, port }))
  return ingress.flatMap(({ origin, shortfalls }) =>
    shortfalls.map(({ message, change }) => `${origin.path}: ${message}; ${change}`),
  )
}

function made(): Scene {
  const scene = new Scene()
  scene.apply(
    agent(),
    node('here', [here], { labels: { zone: 'x' } }),
    node('there', [there], { labels: { zone: 'w' } }),
    pod('a/web', { zone: 'x' }, '10.0.0.1'),
    // Rules of pods are no rules of the node.
    policy('all', { ingress: [{ peers: [], ports: [{ protocol: 'TCP', port: 81 }] }] }),
    {
      kind: 'ciliumpolicy.upserted',
      policy: {
        kind: 'CiliumClusterwideNetworkPolicy',
        namespace: '',
        name: 'lock',
        rules: [
          {
            path: 'spec',
            subject: { kind: 'nodes', selector: [is('zone', 'x')] },
            enableDefaultDeny: {},
            ingress: [
              { path: 'spec.ingress[0]', peers: { kind: 'nodes', selectors: [[is('zone', 'z')]] }, ports: [tcp(9100)] },
              { path: 'spec.ingress[1]', peers: { kind: 'cidrs', cidrs: [block] }, ports: [tcp(443)] },
              {
                path: 'spec.ingress[2]',
                peers: { kind: 'entities', entities: ['remote-node'] },
                ports: [tcp(4240)],
              },
            ],
          },
        ],
      },
    },
  )
  return scene
}

describe('nearest rule of a node', () => {
  it('asks for another label of the other node, or for another port', () => {
    expect(near(there, 9100)).to.deep.equal([
      'spec.ingress[0]: the peer has zone=w, and it asks for zone=z; label the peer zone=z, or ask for something else',
      'spec.ingress[2]: it allows tcp/4240, not tcp/9100; add tcp/9100 to its ports',
    ])
  })

  it('lacks a port for who is in its block', () => {
    expect(near('10.9.1.1', 444)).to.deep.equal([
      'spec.ingress[1]: it allows tcp/443, not tcp/444; add tcp/444 to its ports',
    ])
  })

  it('is none of the rules that pods have', () => {
    expect(near('10.9.1.1', 81)).to.deep.equal([
      'spec.ingress[1]: it allows tcp/443, not tcp/81; add tcp/81 to its ports',
    ])
  })
})
