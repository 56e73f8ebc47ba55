import { parseEndpointSlice } from '@weir/core/input/endpoint-slice.js'
import { usableAddresses } from '@weir/core/service/usable-addresses.js'
import { expect } from 'chai'
import { problemsOf, understood } from './read.js'

const slice = (fields: object) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'db-x', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'db' } },
  addressType: 'IPv4',
  ...fields,
})
const read = (fields: object) => understood(parseEndpointSlice(slice(fields)))
const refused = (fields: object) => problemsOf(parseEndpointSlice(slice(fields)))
const endpoint = (address: string, conditions?: object) => ({ addresses: [address], conditions })

describe('input: EndpointSlice', () => {
  it('is the service’s addresses and ports', () => {
    const fact = read({
      endpoints: [
        { addresses: ['10.0.0.2'], nodeName: 'n', zone: 'z', hostname: 'h', targetRef: {}, hints: {} },
        endpoint('10.0.0.1'),
        endpoint('10.0.0.1', { ready: true }),
        {
          addresses: ['10.0.0.3'],
          conditions: { ready: false, serving: true, terminating: true },
          targetRef: { kind: 'Pod', name: 'db-0', namespace: 'shop', uid: 'x' },
          hints: { forZones: [{ name: 'z2' }, { name: 'z1' }, { name: 'z2' }] },
        },
        { addresses: ['10.0.0.4'], hints: { forNodes: [{ name: 'n' }] }, targetRef: { kind: 'Node', name: 'n' } },
      ],
      ports: [
        { name: 'b', port: 53, protocol: 'UDP' },
        { port: 5432, appProtocol: 'x' },
      ],
    })
    expect(fact).to.deep.equal({
      namespace: 'shop',
      name: 'db-x',
      service: 'db',
      endpoints: [
        { addresses: ['10.0.0.1'], ready: true, serving: true, terminating: false },
        { addresses: ['10.0.0.2'], ready: true, serving: true, terminating: false, node: 'n', zone: 'z' },
        {
          addresses: ['10.0.0.3'],
          ready: false,
          serving: true,
          terminating: true,
          hints: { zones: ['z1', 'z2'], nodes: [] },
          pod: 'db-0',
        },
        {
          addresses: ['10.0.0.4'],
          ready: true,
          serving: true,
          terminating: false,
          hints: { zones: [], nodes: ['n'] },
        },
      ],
      ports: [
        { name: '', protocol: 'TCP', port: 5432 },
        { name: 'b', protocol: 'UDP', port: 53 },
      ],
    })
  })
  for (const [conditions, usable] of [
    [undefined, true],
    [{}, true],
    [{ ready: null }, true],
    [{ ready: true }, true],
    [{ ready: false }, false],
    [{ ready: false, serving: true }, false],
    [{ ready: false, serving: true, terminating: true }, true],
    [{ ready: false, serving: false, terminating: true }, false],
    [{ ready: false, terminating: true }, false],
  ] as const)
    it(`${usable ? 'takes' : 'leaves out'} an endpoint whose conditions are ${JSON.stringify(conditions)}`, () => {
      const fact = read({ endpoints: [endpoint('10.0.0.1', conditions)] })
      expect(usableAddresses(fact)).to.have.length(usable ? 1 : 0)
    })
  it('holds every address to the slice’s family, also of endpoints that are not ready', () => {
    const endpoints = [endpoint('fd00::1'), endpoint('10.0.0.1', { ready: false }), endpoint('x')]
    expect(refused({ addressType: 'IPv6', endpoints })).to.have.all.keys(
      'endpoints[1].addresses[0]',
      'endpoints[2].addresses[0]',
    )
  })
  it('of names has no addresses', () => {
    expect(read({ addressType: 'FQDN', endpoints: [endpoint('a.example')] }).endpoints).to.deep.equal([])
  })
  it('without endpoints or a service’s label says nothing of any service', () => {
    expect(read({ endpoints: null, ports: null, metadata: { name: 'a' } })).to.deep.equal({
      namespace: 'default',
      name: 'a',
      service: '',
      endpoints: [],
      ports: [],
    })
  })
  it('leaves out ports without a number', () => {
    expect(read({ ports: [{ name: 'a' }] }).ports).to.deep.equal([])
  })
  it('keeps to the bounds of its kind', () => {
    expect(refused({ addressType: 'ipv4' }).addressType?.expected).to.equal('IPv4')
    expect(refused({ endpoints: [{ addresses: [] }] })).to.have.key('endpoints[0].addresses')
    expect(refused({ endpoints: Array.from({ length: 1001 }, () => endpoint('10.0.0.1')) })).to.have.key('endpoints')
    expect(refused({ ports: [{ port: 0 }, { protocol: 'ICMP', port: 1 }] })).to.have.all.keys(
      'ports[0].port',
      'ports[1].protocol',
    )
    expect(refused({ endpoint: [] }).endpoint?.expected).to.equal('endpoints')
  })
})
