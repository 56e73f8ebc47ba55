import { frontendKey, noBackend, type ServiceFact } from '@weir/core'
import type { PodFact } from '@weir/core/event/event.js'
import { expect } from 'chai'
import { endpoint, Scene, service, slice } from '../service/cluster.js'

const pod = (name: string, labels: PodFact['labels'], more: Partial<PodFact> = {}) =>
  ({
    kind: 'pod.upserted',
    pod: {
      namespace: 'shop',
      name,
      labels,
      serviceAccount: 'default',
      node: 'n1',
      addresses: ['10.1.0.9'],
      hostNetwork: false,
      ports: [],
      ...more,
    },
  }) as const

function lackOf(scene: Scene, family: 4 | 6 = 4) {
  const fact: ServiceFact = scene.engine.state.services.get('shop/web')!.fact
  const address = fact.clusterIps.find(each => each.includes(':') === (family === 6))!
  const row = scene.tables.frontends.get(frontendKey(address, 80, 'TCP', 'internal'))!
  const candidates = scene.engine.frontendCandidates(row)
  return noBackend(scene.engine.state, fact, fact.ports[0]!, family, candidates, 'internalTrafficPolicy')
}

describe('why a service has no backend', () => {
  it('tells of the pod that comes nearest to the selector', () => {
    const asked = service({ selector: { app: 'wep', tier: 'front' } })
    const scene = new Scene(asked, pod('a', { app: 'db' }), pod('web-0', { app: 'web', tier: 'front' }))
    expect(lackOf(scene)).deep.equals({
      message: 'no pod in shop has app=wep,tier=front; nearest: shop/web-0 has app=web',
      change: 'select app=web, or label the pod app=wep',
    })
  })
  it('tells of a label that the nearest lacks', () => {
    const scene = new Scene(service({ selector: { app: 'web', tier: 'front' } }), pod('web-0', { app: 'web' }))
    expect(lackOf(scene)).deep.equals({
      message: 'no pod in shop has app=web,tier=front; nearest: shop/web-0 has no label tier',
      change: 'label the pod tier=front',
    })
  })
  it('names nobody where nobody is near', () => {
    const elsewhere = pod('web-0', { app: 'web' }, { namespace: 'dev' })
    const scene = new Scene(service({ selector: { app: 'web' } }), pod('a', { role: 'db' }), elsewhere)
    expect(lackOf(scene).message).equals('no pod in shop has app=web')
  })
  it('tells of a port that its pods call otherwise', () => {
    const ports = [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 'htpp' }] as const
    const named = { ports: [{ name: 'http', protocol: 'TCP', port: 8080 }] } as const
    const scene = new Scene(service({ selector: { app: 'web' }, ports }), pod('web-0', { app: 'web' }, named))
    expect(lackOf(scene)).deep.equals({
      message: 'its pods have no TCP port named htpp; they have http',
      change: 'targetPort: http',
    })
  })
  it('tells of a family that its pods lack', () => {
    const scene = new Scene(
      service({ selector: { app: 'web' }, clusterIps: ['fd00:96::1'] }),
      pod('web-0', { app: 'web' }),
    )
    expect(lackOf(scene, 6).message).equals('its pods have no IPv6 address')
  })
  it('tells of slices that are missing', () => {
    expect(lackOf(new Scene(service({ selector: { app: 'web' } }), pod('web-0', { app: 'web' }))).message).equals(
      'it selects 1 pod, and no EndpointSlice lists them for this port',
    )
    expect(lackOf(new Scene(service())).message).equals(
      'it selects no pods, and no EndpointSlice lists endpoints of it',
    )
  })
  it('counts what is there and takes no connections', () => {
    const unready = endpoint('10.1.0.2', { ready: false, serving: false, pod: 'web-2' })
    const away = endpoint('10.1.0.3', { node: 'n2' })
    const scene = new Scene(service(), slice([unready]))
    expect(lackOf(scene)).deep.equals({
      message: 'none of its 1 endpoint takes new connections: 1 not ready',
      change: "see why pod web-2 isn't ready",
    })
    const local = new Scene(service({ internalTrafficPolicy: 'Local' }), slice([unready, away]))
    expect(lackOf(local).message).equals('none of its 2 endpoints takes new connections: 2 on other nodes')
    expect(lackOf(local).change).equals('internalTrafficPolicy: Cluster, or a pod of it on this node')
    scene.say({
      kind: 'backend.configured',
      backend: {
        target: { kind: 'address', address: '10.1.0.2', port: 8080, protocol: 'TCP' },
        state: 'maintenance',
      },
    })
    expect(lackOf(scene).change).equals('weir backend 10.1.0.2:8080/TCP active')
  })
})
