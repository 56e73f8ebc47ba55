import { inputKinds, type UpsertBody } from '@weir/core/input/kinds.js'
import { writtenObject } from '@weir/core/output/object.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { isLeft } from 'fp-ts/lib/Either.js'
import { anyCiliumPolicy } from '../../oracle/generate/cilium.js'
import { manifestOf, writable } from '../../oracle/generate/cluster-manifests.js'
import { anyClusterPolicy } from '../../oracle/generate/cluster-policies.js'
import { anyRawPolicy } from '../../oracle/generate/policies.js'
import { sampling } from '../../oracle/generate/seed.js'
import { legalPolicy } from '../input/cilium/legal.js'

/** The facts of an object; none of one that is refused. */
function factsOf(raw: object): readonly UpsertBody[] {
  const { apiVersion, kind } = raw as { readonly apiVersion: string; readonly kind: string }
  const parsed = inputKinds.get(`${apiVersion}/${kind}`)!.parse(raw)
  return isLeft(parsed) ? [] : parsed.right
}

/** Which of two ways of writing one thing was chosen isn't written again. */
const plain = (body: UpsertBody): unknown => {
  if (body.kind !== 'networkpolicy.upserted') return body
  const { spelling: _, ...policy } = body.policy
  return { ...body, policy }
}

function expectSame(body: UpsertBody): void {
  const written = writtenObject(body)!
  const [again] = factsOf(written)
  expect(again && plain(again), JSON.stringify(written)).to.deep.equal(plain(body))
}

/** Every fact of these objects is written and read again. @returns how many */
function sameAgain(raw: object): number {
  const bodies = factsOf(raw)
  for (const body of bodies) expectSame(body)
  return bodies.length
}

describe('writing facts as objects', () => {
  const objects = { NetworkPolicy: anyRawPolicy, Cilium: anyCiliumPolicy, 'every field of Cilium': legalPolicy }
  for (const [name, object] of Object.entries(objects))
    it(`says the same again: ${name}`, () => {
      let written = 0
      fc.assert(
        fc.property(object as fc.Arbitrary<object>, raw => {
          written += sameAgain(withVersion(raw))
        }),
        sampling(`written ${name}`, 200),
      )
      expect(written).to.be.greaterThan(50)
    })

  it('says the same again: policies of the cluster, both versions', () => {
    let written = 0
    fc.assert(
      fc.property(anyClusterPolicy, policy => {
        written += sameAgain(manifestOf(writable(policy)))
      }),
      sampling('written cluster policies', 200),
    )
    expect(written).to.be.greaterThan(50)
  })

  it('says the same again: remarks, services, slices and pods with all their fields', () => {
    const meta = { name: 'p', namespace: 'shop' }
    const annotations = { 'weir.io/stage': 'true', 'weir.io/lint-ignore': 'b-finding, a-finding' }
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...meta, labels: { app: 'web' } },
      spec: {
        nodeName: 'n1',
        serviceAccountName: 'robot',
        containers: [
          { name: 'a', ports: [{ name: 'http', containerPort: 80, hostPort: 8080, hostIP: '10.0.0.1' }] },
          {
            name: 'b',
            ports: [
              { name: 'http', containerPort: 81 },
              { containerPort: 53, protocol: 'UDP' },
            ],
          },
        ],
      },
      status: { podIPs: [{ ip: '10.0.0.2' }, { ip: 'fd00::2' }], conditions: [{ type: 'Ready', status: 'False' }] },
    }
    const port = { name: 'http', port: 80, targetPort: 'web', nodePort: 30080 }
    const balanced = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...meta, labels: { app: 'web' }, annotations: { 'weir.io/health-check': 'http:/ready' } },
      spec: {
        type: 'LoadBalancer',
        clusterIPs: ['10.96.0.1', 'fd00:96::1'],
        selector: { app: 'web' },
        ports: [port, { name: 'dns', port: 53, protocol: 'UDP' }],
        sessionAffinity: 'ClientIP',
        externalTrafficPolicy: 'Local',
        internalTrafficPolicy: 'Local',
        externalIPs: ['203.0.113.1'],
        loadBalancerSourceRanges: ['198.51.100.0/24'],
        healthCheckNodePort: 30090,
        publishNotReadyAddresses: true,
        trafficDistribution: 'PreferClose',
      },
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } },
    }
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...meta, labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      endpoints: [
        {
          addresses: ['10.0.0.2'],
          conditions: { ready: false, serving: true, terminating: true },
          nodeName: 'n1',
          zone: 'a',
          hints: { forZones: [{ name: 'a' }] },
          targetRef: { kind: 'Pod', namespace: 'shop', name: 'web-1' },
        },
      ],
      ports: [{ name: 'http', port: 8080 }],
    }
    const plainService = {
      ...balanced,
      metadata: meta,
      spec: { clusterIP: 'None', selector: { app: 'web' } },
      status: {},
    }
    const staged = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { ...meta, annotations },
      spec: { podSelector: {}, ingress: [{}] },
    }
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { team: 'a' } } }
    const group = {
      apiVersion: 'cilium.io/v2',
      kind: 'CiliumCIDRGroup',
      metadata: { name: 'g', labels: { team: 'a' } },
      spec: { externalCIDRs: ['10.0.0.0/8'] },
    }
    for (const raw of [pod, balanced, slice, plainService, staged, namespace, group])
      expect(sameAgain(raw), raw.kind).to.equal(1)
  })
})

/** Generated objects have no version where the oracle doesn't ask for one. */
function withVersion(raw: object): object {
  const { kind = 'NetworkPolicy' } = raw as { readonly kind?: string }
  return { apiVersion: kind === 'NetworkPolicy' ? 'networking.k8s.io/v1' : 'cilium.io/v2', kind, ...raw }
}
