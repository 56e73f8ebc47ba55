import { Engine, frontendKey } from '@weir/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { numberedBatches } from '../../oracle/generate/history.js'
import { sampling } from '../../oracle/generate/seed.js'
import { serviceHistories } from '../../oracle/generate/services.js'
import { endpoint, Scene, service, slice } from './cluster.js'

const standings = (scene: Scene, address = '10.96.0.1', port = 80): Readonly<Record<string, string>> => {
  const row = scene.tables.frontends.get(frontendKey(address, port, 'TCP', 'internal'))!
  return Object.fromEntries(
    scene.engine
      .frontendCandidates(row)
      .map(({ backend, standing, isChosen }) => [backend.address, `${standing}${isChosen ? ' +' : ''}`]),
  )
}
const told = (address: string, state: 'active' | 'maintenance' | 'quarantined', weight?: number) =>
  ({
    kind: 'backend.configured',
    backend: {
      target: { kind: 'address', address, port: 8080, protocol: 'TCP' },
      state,
      ...(weight !== undefined && { weight }),
    },
  }) as const

describe('candidates of a frontend', () => {
  it('are chosen when they are ready, and all others have a reason', () => {
    const scene = new Scene(
      service(),
      slice([
        endpoint('10.1.0.1'),
        endpoint('10.1.0.2', { ready: false, serving: false }),
        endpoint('10.1.0.3', { ready: false, terminating: true }),
        endpoint('10.1.0.4'),
        endpoint('10.1.0.5'),
        endpoint('10.1.0.6'),
      ]),
      told('10.1.0.4', 'maintenance'),
      told('10.1.0.5', 'quarantined'),
      told('10.1.0.6', 'active', 0),
    )
    expect(standings(scene)).deep.equals({
      '10.1.0.1': 'ready +',
      '10.1.0.2': 'notReady',
      '10.1.0.3': 'terminating',
      '10.1.0.4': 'maintenance',
      '10.1.0.5': 'quarantined',
      '10.1.0.6': 'weightless',
    })
  })

  it('that serve while they terminate are the last resort', () => {
    const scene = new Scene(
      service(),
      slice([
        endpoint('10.1.0.2', { ready: false, serving: false }),
        endpoint('10.1.0.3', { ready: false, terminating: true }),
        endpoint('10.1.0.4', { ready: false, serving: false, terminating: true }),
      ]),
    )
    expect(standings(scene)).deep.equals({
      '10.1.0.2': 'notReady',
      '10.1.0.3': 'lastResort +',
      '10.1.0.4': 'terminating',
    })
  })

  it('are left to other nodes by a policy, and to other zones by hints', () => {
    const endpoints = [
      endpoint('10.1.0.1', { node: 'n1', hints: { zones: ['z1'], nodes: [] } }),
      endpoint('10.1.0.2', { node: 'n2', hints: { zones: ['z2'], nodes: [] } }),
    ]
    expect(standings(new Scene(service({ topology: 'Auto' }), slice(endpoints)))).deep.equals({
      '10.1.0.1': 'ready +',
      '10.1.0.2': 'hintedElsewhere',
    })
    expect(standings(new Scene(service({ internalTrafficPolicy: 'Local' }), slice(endpoints)))).deep.equals({
      '10.1.0.1': 'ready +',
      '10.1.0.2': 'otherNode',
    })
  })

  it('whose checks fail are left out, unless all fail', () => {
    const healthCheck = { kind: 'tcp', intervalSeconds: 1, timeoutSeconds: 1, failures: 1, successes: 1 } as const
    const failed = (address: string) =>
      ({
        kind: 'backend.checked',
        check: { address, port: 8080, protocol: 'TCP', healthy: false, reason: 'timeout' },
      }) as const
    const endpoints = slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')])
    const scene = new Scene(service({ healthCheck }), endpoints, failed('10.1.0.1'))
    expect(standings(scene)).deep.equals({ '10.1.0.1': 'unhealthy', '10.1.0.2': 'ready +' })
    expect(scene.states()).deep.equals({ '10.1.0.1': 'unhealthy', '10.1.0.2': 'active' })
    scene.say(failed('10.1.0.2'))
    expect(standings(scene)).deep.equals({ '10.1.0.1': 'failOpen +', '10.1.0.2': 'failOpen +' })
    scene.say(service())
    expect(standings(scene)).deep.equals({ '10.1.0.1': 'ready +', '10.1.0.2': 'ready +' })
  })

  it('that are chosen are the members of its selection, whatever happened', function () {
    this.timeout(60_000)
    fc.assert(
      fc.property(serviceHistories(40), batches => {
        const engine = new Engine()
        for (const batch of numberedBatches(batches)) engine.apply(batch)
        for (const [, row] of engine.tables.frontends) {
          const { backends, weights } = engine.tables.selections.get(row.selection)!
          const chosen = engine.frontendCandidates(row).filter(({ isChosen }) => isChosen)
          const found = chosen.map(({ backend, weight }) => `${backend.backend} ${weight}`)
          expect(found.sort()).deep.equals(backends.map((number, at) => `${number} ${weights?.[at] ?? 1}`).sort())
          for (const { standing, isChosen } of engine.frontendCandidates(row))
            expect(isChosen).equals(['ready', 'failOpen', 'lastResort'].includes(standing))
        }
      }),
      sampling('candidates by the tables', 200),
    )
  })
})
