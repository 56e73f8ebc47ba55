import { expect } from 'chai'
import type { EventBody } from '@weir/core'
import { endpoint, Scene, service, slice } from './cluster.js'

const at = '10.96.0.1 80 TCP internal'

describe('services', () => {
  it('keep established connections of endpoints that take no new ones', () => {
    const scene = new Scene(
      service(),
      slice([
        endpoint('10.0.0.1'),
        endpoint('10.0.0.2', { ready: false, serving: false }),
        endpoint('10.0.0.3', { ready: false, terminating: true }),
        endpoint('10.0.0.4', { ready: false, serving: false, terminating: true }),
      ]),
    )
    expect(scene.members(at)).deep.equals(['10.0.0.1'])
    expect(scene.states()).deep.equals({
      '10.0.0.1': 'active',
      '10.0.0.2': 'notReady',
      '10.0.0.3': 'terminating',
      '10.0.0.4': 'terminating',
    })
  })

  it('have node ports in the families of their cluster addresses, in both while they have none', () => {
    const dual: EventBody = {
      kind: 'node.upserted',
      node: { name: 'n1', labels: {}, addresses: ['192.0.2.1', '2001:db8::1'], podCidrs: [] },
    }
    const ported = (...clusterIps: readonly string[]) =>
      service({
        type: 'NodePort',
        clusterIps,
        ports: [{ name: '', protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30_080 }],
      })
    const scene = new Scene(dual, ported('10.96.0.1'), slice([endpoint('10.0.0.1')]))
    const served = () =>
      ['192.0.2.1', '2001:db8::1'].filter(address => scene.members(`${address} 30080 TCP external`) !== undefined)
    expect(served()).deep.equals(['192.0.2.1'])
    scene.say(ported('10.96.0.1', 'fd96::1'))
    expect(served()).deep.equals(['192.0.2.1', '2001:db8::1'])
    scene.say(ported('fd96::1'))
    expect(served()).deep.equals(['2001:db8::1'])
    scene.say(ported())
    expect(served()).deep.equals(['192.0.2.1', '2001:db8::1'])
  })

  it('fall back to endpoints that serve while they terminate, then refuse', () => {
    const ending = endpoint('10.0.0.3', { ready: false, terminating: true })
    const scene = new Scene(service(), slice([endpoint('10.0.0.2', { ready: false, serving: false }), ending]))
    expect(scene.members(at)).deep.equals(['10.0.0.3'])
    scene.say(slice([{ ...ending, serving: false }]))
    expect(scene.members(at)).deep.equals([])
    scene.say({ kind: 'endpointslice.deleted', namespace: 'shop', name: 'web-1' })
    expect(scene.members(at)).deep.equals([])
    expect(scene.tables.backends.size).equals(0)
  })

  it('give a backend one number as long as anybody uses it, and a freed number to nobody in the same delta', () => {
    const scene = new Scene(service(), slice([endpoint('10.0.0.1'), endpoint('10.0.0.2')]))
    const numberOf = (address: string) => [...scene.tables.backends].find(([, row]) => row.address === address)?.[0]
    const second = numberOf('10.0.0.2')
    const delta = scene.say(slice([endpoint('10.0.0.2'), endpoint('10.0.0.3')]))
    expect(numberOf('10.0.0.2')).equals(second)
    expect(delta.backends.filter(({ before, after }) => before && after)).deep.equals([])
    expect(numberOf('10.0.0.3')).equals(3)
    scene.say(slice([endpoint('10.0.0.2'), endpoint('10.0.0.3'), endpoint('10.0.0.4')]))
    expect(numberOf('10.0.0.4')).equals(1)
  })

  it('share a selection by its content', () => {
    const other = service({ name: 'api', clusterIps: ['10.96.0.2'] })
    const endpoints = [endpoint('10.0.0.1'), endpoint('10.0.0.2')]
    const scene = new Scene(service(), other, slice(endpoints), slice(endpoints, { name: 'api-1', service: 'api' }))
    expect(scene.tables.selections.size).equals(1)
    expect(scene.tables.backends.size).equals(2)
    expect(scene.tables.frontends.size).equals(2)
  })

  it('change nothing of others: one endpoint of one service is a selection, a frontend and a backend', () => {
    const services = Array.from({ length: 50 }, (_, index) => [
      service({ name: `s${index}`, clusterIps: [`10.96.1.${index}`] }),
      slice([endpoint(`10.0.1.${index}`)], { name: `s${index}-1`, service: `s${index}` }),
    ]).flat()
    const scene = new Scene(...services)
    const more = [endpoint('10.0.1.7'), endpoint('10.0.2.7')]
    const delta = scene.say(slice(more, { name: 's7-1', service: 's7' }))
    expect([delta.frontends.length, delta.selections.length, delta.backends.length]).deep.equals([1, 2, 1])
    expect([delta.addresses.length, delta.cells.length, delta.rows.length]).deep.equals([0, 0, 0])
  })

  it('take what was said of a backend or pod as long as it is not taken back', () => {
    const scene = new Scene(service(), slice([endpoint('10.0.0.1', { pod: 'a' }), endpoint('10.0.0.2', { pod: 'b' })]))
    const target = { kind: 'address', address: '10.0.0.1', port: 8080, protocol: 'TCP' } as const
    const digest = scene.engine.digest().hex
    scene.say({ kind: 'backend.configured', backend: { target, state: 'quarantined' } })
    expect(scene.members(at)).deep.equals(['10.0.0.2'])
    expect(scene.states()['10.0.0.1']).equals('quarantined')
    scene.say({
      kind: 'backend.configured',
      backend: { target: { kind: 'pod', namespace: 'shop', name: 'b' }, state: 'maintenance' },
    })
    expect(scene.members(at)).deep.equals([])
    scene.say(
      { kind: 'backend.configured', backend: { target, state: 'active', weight: 7 } },
      {
        kind: 'backend.configured',
        backend: { target: { kind: 'pod', namespace: 'shop', name: 'b' }, state: 'active' },
      },
    )
    expect([...scene.tables.selections].map(([, { weights }]) => weights)).deep.equals([[7, 1]])
    const weighted = scene.engine.digest().hex
    expect(weighted).not.equals(digest)
    scene.say({ kind: 'backend.configured', backend: { target, state: 'active' } })
    expect(scene.engine.digest().hex).equals(digest)
  })

  it('give an address to one of those that claim it, by what they are', () => {
    const thief = service({ namespace: 'a', name: 'thief', clusterIps: ['10.96.0.9'], externalIps: ['10.96.0.1'] })
    const scene = new Scene(thief)
    expect(scene.members('10.96.0.1 80 TCP external')).deep.equals([])
    scene.say(service(), slice([endpoint('10.0.0.1')]))
    expect(scene.members(at)).deep.equals(['10.0.0.1'])
    expect(scene.members('10.96.0.1 80 TCP external'), 'nor from outside').equals(undefined)
    expect(scene.engine.frontendConflicts()).deep.equals([
      {
        address: '10.96.0.1',
        port: 80,
        protocol: 'TCP',
        winner: { kind: 'clusterIp', namespace: 'shop', name: 'web', portName: '' },
        losers: [{ kind: 'externalIp', namespace: 'a', name: 'thief', portName: '' }],
      },
    ])
    scene.say({ kind: 'service.deleted', namespace: 'shop', name: 'web' })
    expect(scene.engine.frontendConflicts()).deep.equals([])
    expect(scene.members('10.96.0.1 80 TCP external')).deep.equals([])
  })

  it('let no IPv6 client in by ranges of IPv4', () => {
    const scene = new Scene(
      service({
        type: 'LoadBalancer',
        loadBalancerIps: ['198.51.100.1', '2001:db8::1'],
        loadBalancerSourceRanges: ['203.0.113.0/24'],
      }),
    )
    const ranges = [...scene.tables.frontends].flatMap(([, row]) =>
      row.kind === 'loadBalancer' && row.scope === 'external' ? [[row.address, row.sourceRanges]] : [],
    )
    expect(ranges).deep.equals([
      ['198.51.100.1', ['203.0.113.0/24']],
      ['2001:db8::1', []],
    ])
  })

  it('redirect to a pod that came while the agent was of another node, as soon as it is of the pod’s', () => {
    const agentOf = (node: string): EventBody => ({
      kind: 'agent.configured',
      agent: { node, cluster: 'default', labelFilter: [] },
    })
    const scene = new Scene({
      kind: 'localredirect.upserted',
      redirect: {
        namespace: 'shop',
        name: 'metadata',
        frontend: { kind: 'address', address: '169.254.169.254', ports: [{ name: '', protocol: 'TCP', port: 80 }] },
        selector: [],
        backendPorts: [{ name: '', protocol: 'TCP', port: 8080 }],
        skipRedirectFromBackend: false,
      },
    })
    const pod: EventBody = {
      kind: 'pod.upserted',
      pod: {
        namespace: 'shop',
        name: 'proxy',
        serviceAccount: 'default',
        ports: [],
        labels: {},
        node: 'n1',
        addresses: ['10.0.0.1'],
        hostNetwork: false,
      },
    }
    scene.say(agentOf('n2'), pod, agentOf('n1'))
    expect(scene.members('169.254.169.254 80 TCP internal')).deep.equals(['10.0.0.1'])
  })

  it('program nothing without an address of their own, or for another name', () => {
    const scene = new Scene(service({ clusterIps: ['None'] }), slice([endpoint('10.0.0.1')]))
    expect([scene.tables.frontends.size, scene.tables.backends.size]).deep.equals([0, 0])
    scene.say(service({ type: 'ExternalName', clusterIps: [] }))
    expect([scene.tables.frontends.size, scene.tables.backends.size]).deep.equals([0, 0])
  })
})
