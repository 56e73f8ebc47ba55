import { parseLocalRedirectPolicy } from '@weir/core/input/cilium/local-redirect.js'
import { expect } from 'chai'
import { problemsOf, understood } from '../read.js'

const port = (number: string, name?: string, protocol = 'TCP') => ({
  port: number,
  protocol,
  ...(name === undefined ? {} : { name }),
})
const backend = { localEndpointSelector: { matchLabels: { 'k8s:app': 'cache' } }, toPorts: [port('53')] }
const address = { addressMatcher: { ip: '169.254.169.254', toPorts: [port('8080')] } }
const service = { serviceMatcher: { serviceName: 'dns', namespace: 'kube-system' } }
const policy = (spec: object) => ({
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumLocalRedirectPolicy',
  metadata: { name: 'r', namespace: 'kube-system' },
  spec: { redirectFrontend: service, redirectBackend: backend, ...spec },
})
const read = (spec: object) => understood(parseLocalRedirectPolicy(policy(spec)))
const refused = (spec: object) => problemsOf(parseLocalRedirectPolicy(policy(spec)))

describe('input: CiliumLocalRedirectPolicy', () => {
  it('takes traffic of a service, or to an address, to pods of the node', () => {
    expect(read({})).to.deep.equal({
      namespace: 'kube-system',
      name: 'r',
      frontend: { kind: 'service', service: 'dns', ports: [] },
      selector: [{ key: 'app', operator: 'In', values: ['cache'] }],
      backendPorts: [{ name: '', protocol: 'TCP', port: 53 }],
      skipRedirectFromBackend: false,
    })
    expect(read({ redirectFrontend: address, skipRedirectFromBackend: true, description: 'x' })).to.deep.include({
      frontend: { kind: 'address', address: '169.254.169.254', ports: [{ name: '', protocol: 'TCP', port: 8080 }] },
      skipRedirectFromBackend: true,
    })
  })
  it('compares names of ports without regard to case', () => {
    const toPorts = [port('53', 'DNS', 'UDP'), port('53', 'dns-tcp')]
    expect(read({ redirectBackend: { ...backend, toPorts } }).backendPorts.map(({ name }) => name)).to.deep.equal([
      'dns-tcp',
      'dns',
    ])
  })
  for (const [title, spec, path] of [
    ['no frontend', { redirectFrontend: {} }, 'spec.redirectFrontend'],
    ['two frontends', { redirectFrontend: { ...address, ...service } }, 'spec.redirectFrontend'],
    [
      'a service elsewhere',
      { redirectFrontend: { serviceMatcher: { serviceName: 'dns', namespace: 'shop' } } },
      'spec.redirectFrontend.serviceMatcher.namespace',
    ],
    [
      'an address without ports',
      { redirectFrontend: { addressMatcher: { ip: '10.0.0.1', toPorts: [] } } },
      'spec.redirectFrontend.addressMatcher.toPorts',
    ],
    ['no port to go to', { redirectBackend: { ...backend, toPorts: [] } }, 'spec.redirectBackend.toPorts'],
    [
      'several ports without names',
      { redirectBackend: { ...backend, toPorts: [port('1'), port('2')] } },
      'spec.redirectBackend.toPorts[0].name',
    ],
    [
      'one name twice',
      { redirectBackend: { ...backend, toPorts: [port('1', 'a'), port('2', 'A')] } },
      'spec.redirectBackend.toPorts[1].name',
    ],
    [
      'a number without quotes',
      { redirectBackend: { ...backend, toPorts: [{ port: 53, protocol: 'UDP' }] } },
      'spec.redirectBackend.toPorts[0].port',
    ],
    [
      'a port above 65535',
      { redirectBackend: { ...backend, toPorts: [port('65536')] } },
      'spec.redirectBackend.toPorts[0].port',
    ],
    [
      'SCTP',
      { redirectBackend: { ...backend, toPorts: [port('1', 'a', 'SCTP')] } },
      'spec.redirectBackend.toPorts[0].protocol',
    ],
  ] as const)
    it(`refuses ${title}`, () => expect(refused(spec)).to.have.key(path))
  it('refuses fields without a value: a selector without its labels would be every pod', () => {
    const localEndpointSelector = { matchLabels: null }
    const path = 'spec.redirectBackend.localEndpointSelector.matchLabels'
    const found = refused({ redirectBackend: { ...backend, localEndpointSelector } })
    expect(found).to.have.all.keys(path)
    expect(found[path]?.message).to.equal('this field has no value')
    expect(read({ skipRedirectFromBackend: null }).skipRedirectFromBackend).to.equal(false)
  })
  it('asks for the namespace of a service, as the schema does', () => {
    const found = refused({ redirectFrontend: { serviceMatcher: { serviceName: 'dns' } } })
    expect(found['spec.redirectFrontend.serviceMatcher.namespace']?.message).to.equal('this field is required')
  })
})
