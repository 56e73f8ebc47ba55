import { nearestRules } from '@weir/core'
import { expect } from 'chai'
import { agent, ipBlock, is, namespace, pod, pods, policy, Scene, tcp } from '../log.js'

function scene(): Scene {
  const made = new Scene()
  made.apply(
    agent(),
    namespace('a', {}),
    pod('a/db', { app: 'db' }, '10.0.0.1'),
    pod('a/web', { app: 'web' }, '10.0.0.2'),
    pod('b/web', { app: 'web' }, '10.0.0.3'),
    pod('a/api', { app: 'api' }, '10.0.0.4'),
    policy('db', {
      podSelector: [is('app', 'db')],
      ingress: [
        { peers: [pods(is('app', 'web'))], ports: [tcp(5432)] },
        { peers: [ipBlock('203.0.113.0/24', '203.0.113.128/25')], ports: [] },
      ],
    }),
  )
  return made
}

function near(from: string, to: string, port = 5432) {
  const { engine } = scene()
  const { ingress } = nearestRules(engine, engine.explain({ from, to, protocol: 6, port }))
  return ingress.flatMap(({ origin, shortfalls }) =>
    shortfalls.map(({ kind, message, change }) => `${origin.path} ${kind}: ${message}; ${change}`),
  )
}

describe('nearest rule', () => {
  it('is the one that lacks a port', () => {
    expect(near('10.0.0.2', '10.0.0.1', 5433)[0]).to.equal(
      'spec.ingress[0] port: it allows tcp/5432, not tcp/5433; add tcp/5433 to its ports',
    )
  })
  it('is the one that lacks a label of the peer', () => {
    expect(near('10.0.0.4', '10.0.0.1')).to.include(
      'spec.ingress[0] peer: the peer has app=api, and it asks for app=web; label the peer app=web, or ask for something else',
    )
  })
  it('is the one that means another namespace', () => {
    expect(near('10.0.0.3', '10.0.0.1')[0]).to.equal(
      'spec.ingress[0] namespace: the peer is in namespace b, and it means a; select namespace b too',
    )
  })
  it('is the one whose block leaves the address out', () => {
    expect(near('203.0.113.200', '10.0.0.1')[0]).to.include('the source is in 203.0.113.128/25, which it leaves out')
  })
  it('is nobody’s where nothing is denied by default', () => {
    expect(near('10.0.0.2', '10.0.0.1')).to.deep.equal([])
    expect(near('10.0.0.1', '10.0.0.2')).to.deep.equal([])
  })
})
