import type { EventBody } from '@weir/core'
import { expect } from 'chai'
import { endpoint, Scene, service, slice } from './cluster.js'

const pod = (name: string, address: string, hostPort?: number): EventBody => ({
  kind: 'pod.upserted',
  pod: {
    namespace: 'shop',
    name,
    labels: { app: name },
    serviceAccount: 'default',
    node: 'n1',
    addresses: [address],
    hostNetwork: false,
    ports: [],
    ...(hostPort !== undefined && { hostPorts: [{ protocol: 'TCP' as const, port: hostPort, containerPort: 8080 }] }),
  },
})

const redirect: EventBody = {
  kind: 'localredirect.upserted',
  redirect: {
    namespace: 'shop',
    name: 'near',
    frontend: { kind: 'service', service: 'web', ports: [] },
    selector: [{ key: 'app', operator: 'In', values: ['cache'] }],
    backendPorts: [{ name: '', protocol: 'TCP', port: 9 }],
    skipRedirectFromBackend: false,
  },
}

/** Events 1 and 2 are the agent's and its node's. */
describe('causes of services', () => {
  const frontend = (scene: Scene, key: string): readonly number[] =>
    scene.engine.frontendCauses(scene.tables.frontends.get(key)!)
  const backend = (scene: Scene, address: string): readonly number[] =>
    scene.engine.backendCauses([...scene.tables.backends].find(([, row]) => row.address === address)![1])

  it('are a service and its slices, and this node where its addresses count', () => {
    const port = { name: '', protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30080 } as const
    const scene = new Scene(service({ type: 'NodePort', ports: [port] }), slice([endpoint('10.0.0.1')]))
    expect(frontend(scene, 'TCP 10.96.0.1 80 internal')).deep.equals([3, 4])
    expect(frontend(scene, 'TCP 192.0.2.1 30080 external')).deep.equals([1, 2, 3, 4])
    scene.say(slice([endpoint('10.0.0.1')], { name: 'web-2' }), slice([endpoint('10.0.0.2')], { name: 'web-3' }))
    expect(frontend(scene, 'TCP 10.96.0.1 80 internal')).deep.equals([3, 4, 5, 6])
    expect(backend(scene, '10.0.0.1')).deep.equals([4, 5])
    expect(backend(scene, '10.0.0.2')).deep.equals([6])
  })

  it('are also what was said of a backend or its pod', () => {
    const scene = new Scene(service(), slice([endpoint('10.0.0.1', { pod: 'a' })]))
    const target = { kind: 'address', address: '10.0.0.1', port: 8080, protocol: 'TCP' } as const
    scene.say(
      { kind: 'backend.configured', backend: { target, state: 'quarantined' } },
      {
        kind: 'backend.configured',
        backend: { target: { kind: 'pod', namespace: 'shop', name: 'a' }, state: 'maintenance' },
      },
    )
    expect(backend(scene, '10.0.0.1')).deep.equals([4, 5, 6])
  })

  it('are a pod, and the node, for a host port', () => {
    const scene = new Scene(pod('a', '10.0.0.1', 8081))
    expect(frontend(scene, 'TCP 192.0.2.1 8081 external')).deep.equals([1, 2, 3])
    expect(backend(scene, '10.0.0.1')).deep.equals([3])
  })

  it('are a redirect, its service and its pods', () => {
    const scene = new Scene(service(), redirect, pod('other', '10.0.0.1'), pod('cache', '10.0.0.2'))
    expect(scene.members('10.96.0.1 80 TCP internal')).deep.equals(['10.0.0.2'])
    expect(frontend(scene, 'TCP 10.96.0.1 80 internal')).deep.equals([3, 4, 6])
    expect(backend(scene, '10.0.0.2')).deep.equals([6])
  })
})
