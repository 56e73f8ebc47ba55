import { parseEgressGatewayPolicy } from '@weir/core/input/cilium/egress-gateway.js'
import { expect } from 'chai'
import { problemsOf, understood } from '../read.js'

const gateway = { nodeSelector: { matchLabels: { egress: 'yes' } } }
const policy = (spec: object, metadata: object = { name: 'e' }) => ({
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumEgressGatewayPolicy',
  metadata,
  spec: {
    selectors: [{ podSelector: { matchLabels: { 'k8s:app': 'web' } } }],
    destinationCIDRs: ['192.0.2.0/24'],
    egressGateway: gateway,
    ...spec,
  },
})
const read = (spec: object) => understood(parseEgressGatewayPolicy(policy(spec)))
const refused = (spec: object, metadata?: object) => problemsOf(parseEgressGatewayPolicy(policy(spec, metadata)))
const nodeSelector = [{ key: 'egress', operator: 'In', values: ['yes'] }]

describe('input: CiliumEgressGatewayPolicy', () => {
  it('says whose traffic to where leaves by which node', () => {
    expect(read({})).to.deep.equal({
      name: 'e',
      selectors: [{ podSelector: [{ key: 'app', operator: 'In', values: ['web'] }] }],
      destinationCidrs: ['192.0.2.0/24'],
      excludedCidrs: [],
      gateways: [{ nodeSelector }],
    })
  })
  it('has namespaces and nodes of pods among its selectors, and holes among its destinations', () => {
    const selectors = [{ namespaceSelector: { matchLabels: { team: 'a' } }, nodeSelector: {}, podSelector: {} }]
    const found = read({ selectors, destinationCIDRs: ['2001:db8::/32', '10.1.2.3/8'], excludedCIDRs: ['10.1.0.0/16'] })
    expect(found.selectors).to.deep.equal([
      { podSelector: [], namespaceSelector: [{ key: 'team', operator: 'In', values: ['a'] }], nodeSelector: [] },
    ])
    expect(found.destinationCidrs).to.deep.equal(['10.0.0.0/8', '2001:db8::/32'])
    expect(found.excludedCidrs).to.deep.equal(['10.1.0.0/16'])
  })
  it('takes egressGateways for egressGateway where there are any', () => {
    const several = [
      { ...gateway, egressIP: '192.0.2.9' },
      { ...gateway, interface: 'eth1' },
    ]
    expect(read({ egressGateways: several }).gateways).to.deep.equal([
      { nodeSelector, egressIp: '192.0.2.9' },
      { nodeSelector, interface: 'eth1' },
    ])
    expect(read({ egressGateways: [] }).gateways).to.deep.equal([{ nodeSelector }])
  })
  it('refuses what the API server or the datapath would, with the field', () => {
    expect(refused({ selectors: [{}] })).to.have.all.keys('spec.selectors[0]')
    expect(refused({ selectors: [{ nodeSelector: {} }] })).to.have.all.keys('spec.selectors[0]')
    expect(refused({ destinationCIDRs: ['10.0.0.0'] })['spec.destinationCIDRs[0]']?.expected).to.equal('10.0.0.0/32')
    expect(refused({ egressGateway: undefined })).to.have.all.keys('spec.egressGateway')
    expect(refused({ egressGateway: { egressIP: '192.0.2.9' } })).to.have.all.keys('spec.egressGateway.nodeSelector')
    expect(refused({ egressGateway: { ...gateway, egressIP: '2001:db8::1' } })).to.have.all.keys(
      'spec.egressGateway.egressIP',
    )
    expect(refused({ egressGateway: { ...gateway, egressIP: '192.0.2.300' } })).to.have.all.keys(
      'spec.egressGateway.egressIP',
    )
    expect(refused({ egressGateway: { ...gateway, interface: 'a name that is too long' } })).to.have.all.keys(
      'spec.egressGateway.interface',
    )
    expect(refused({ egressGateway: { ...gateway, interface: 'eth1', egressIP: '192.0.2.9' } })).to.have.all.keys(
      'spec.egressGateway',
    )
    expect(refused({ egressGateways: [gateway, gateway] })).to.have.all.keys('spec.egressGateways[1]')
    expect(refused({ destinationCidrs: [] })['spec.destinationCidrs']?.expected).to.equal('destinationCIDRs')
    expect(refused({}, { name: 'e', namespace: 'shop' })).to.have.all.keys('metadata.namespace')
  })
  it('refuses fields without a value: a selector without its labels would be every pod', () => {
    const selectors = [{ podSelector: null, namespaceSelector: { matchLabels: null } }]
    const found = refused({ selectors, excludedCIDRs: null, egressGateway: { nodeSelector: { matchLabels: null } } })
    expect(found).to.have.all.keys(
      'spec.selectors[0].podSelector',
      'spec.selectors[0].namespaceSelector.matchLabels',
      'spec.excludedCIDRs',
      'spec.egressGateway.nodeSelector.matchLabels',
    )
    expect(read({ egressGateways: null }).gateways).to.deep.equal([{ nodeSelector }])
  })
})
