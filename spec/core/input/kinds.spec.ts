import { fieldPath, itemPath, pathSteps } from '@weir/core/input/path.js'
import { inputKinds, recognise } from '@weir/core/input/kinds.js'
import { shortened } from '@weir/core/input/problem.js'
import { sameFact } from '@weir/core/input/same-fact.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { isRight } from 'fp-ts/lib/Either.js'

const object = (apiVersion: unknown, kind: unknown) => ({ apiVersion, kind, metadata: { name: 'x' } })

describe('input: recognise', () => {
  it('knows the kinds it reads, and where their objects live', () => {
    expect(recognise(object('networking.k8s.io/v1', 'NetworkPolicy'))).to.deep.include({
      status: 'known',
      object: { kind: 'NetworkPolicy', namespace: 'default', name: 'x' },
    })
    expect(recognise(object('v1', 'Namespace')).object.namespace).to.equal('')
  })
  for (const [apiVersion, kind] of [
    ['v1', 'ConfigMap'],
    ['cilium.io/v2', 'CiliumBGPClusterConfig'],
    ['cilium.io/v2', 'CiliumEnvoyConfig'],
    ['cilium.io/v2alpha1', 'CiliumEndpointSlice'],
    ['serving.knative.dev/v1', 'Service'],
    ['projectcalico.org/v3', 'NetworkPolicy'],
    ['batch/v1', 'CronJob'],
    ['networking.k8s.io/v1', 'Ingress'],
  ])
    it(`skips ${kind} of ${apiVersion} with a reason`, () => {
      const found = recognise(object(apiVersion, kind))
      expect(found.status).to.equal('unknown')
      expect(found)
        .to.have.property('reason')
        .that.includes(kind === 'CronJob' ? 'clock' : kind)
    })
  it('says that a policy of another dialect is not enforced', () => {
    const reason = 'this build does not enforce GlobalNetworkPolicy of projectcalico.org/v3'
    expect(recognise(object('projectcalico.org/v3', 'GlobalNetworkPolicy'))).to.have.property('reason', reason)
  })
  for (const [apiVersion, kind, path, expected] of [
    ['extensions/v1beta1', 'NetworkPolicy', 'apiVersion', 'networking.k8s.io/v1'],
    ['v1', 'NetworkPolicy', 'apiVersion', 'networking.k8s.io/v1'],
    ['networking.k8s.io/v1', 'NetworkPolcy', 'kind', 'NetworkPolicy'],
    ['networking.k8s.io/v1', 'networkpolicy', 'kind', 'NetworkPolicy'],
    ['cilium.io/v1', 'CiliumNetworkPolicy', 'apiVersion', 'cilium.io/v2'],
    ['cilium.io/v2', 'CiliumClusterWideNetworkPolicy', 'kind', 'CiliumClusterwideNetworkPolicy'],
    ['policy.networking.k8s.io/v1alpha2', 'AdminNetworkPolicy', 'apiVersion', 'policy.networking.k8s.io/v1alpha1'],
    ['policy.networking.k8s.io/v1alpha1', 'ClusterNetworkPolicy', 'apiVersion', 'policy.networking.k8s.io/v1alpha2'],
    ['discovery.k8s.io/v1beta1', 'EndpointSlice', 'apiVersion', 'discovery.k8s.io/v1'],
    [undefined, 'NetworkPolicy', 'apiVersion', 'networking.k8s.io/v1'],
    ['v1', undefined, 'kind', 'such as NetworkPolicy'],
  ] as const)
    it(`refuses ${kind} of ${apiVersion} instead of skipping it`, () => {
      const found = recognise(object(apiVersion, kind))
      if (found.status !== 'broken') throw new Error(found.status)
      expect(found.problems[0]).to.include({ path, expected })
    })
})

/** Names that make objects reach deep into the readers, among arbitrary ones. */
const fields = [
  ...['apiVersion', 'kind', 'metadata', 'spec', 'status', 'name', 'namespace', 'labels', 'podSelector', 'matchLabels'],
  ...['matchExpressions', 'key', 'operator', 'values', 'ingress', 'egress', 'from', 'to', 'ports', 'port', 'endPort'],
  ...[
    'protocol',
    'ipBlock',
    'cidr',
    'except',
    'policyTypes',
    'containers',
    'template',
    'replicas',
    'selector',
    '__proto__',
  ],
  ...['specs', 'endpointSelector', 'nodeSelector', 'ingressDeny', 'egressDeny', 'fromEndpoints', 'toEndpoints'],
  ...['fromCIDRSet', 'cidrGroupRef', 'fromEntities', 'toFQDNs', 'matchPattern', 'toServices', 'k8sService', 'toPorts'],
  ...['rules', 'http', 'path', 'headers', 'kafka', 'dns', 'icmps', 'fields', 'type', 'family', 'enableDefaultDeny'],
  ...['tier', 'priority', 'subject', 'namespaces', 'pods', 'protocols', 'tcp', 'destinationPort', 'range', 'start'],
  ...['externalCIDRs', 'addressType', 'endpoints', 'addresses', 'conditions', 'networks', 'domainNames', 'action'],
]
const word = fc.oneof(fc.constantFrom('In', 'TCP', 'Ingress', '10.0.0.0/8', 'a', '80', 'web'), fc.string())
const { document } = fc.letrec(tie => ({
  document: fc.oneof(
    { depthSize: 'medium' },
    fc.constantFrom(null, true, 80, 1.5, -1, Number.NaN),
    word,
    fc.array(tie('document'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...fields) }, { weight: 1, arbitrary: fc.string() }),
      tie('document'),
      {
        maxKeys: 6,
      },
    ),
  ),
}))

describe('input: properties', () => {
  it('no parser throws on any data, and each problem says what would be right', function () {
    this.timeout(20_000)
    fc.assert(
      fc.property(document, fc.constantFrom(...inputKinds.values()), (body, input) => {
        const raw = {
          ...(typeof body === 'object' ? body : { spec: body }),
          apiVersion: input.apiVersion,
          kind: input.kind,
        }
        for (const candidate of [body, raw]) {
          recognise(candidate)
          const parsed = input.parse(candidate)
          if (isRight(parsed)) continue
          expect(parsed.left).to.have.length.greaterThan(0)
          for (const { expected, value } of parsed.left) {
            expect(expected).to.be.a('string').with.length.greaterThan(0)
            expect((value ?? '').length).to.be.at.most(120)
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('what is said in another order is the same fact', () => {
    const label = fc.constantFrom('a', 'b', 'c', 'd')
    const expression = fc.record({
      key: label,
      operator: fc.constantFrom('In', 'NotIn'),
      values: fc.uniqueArray(label, { minLength: 1 }),
    })
    const ports = fc.array(fc.record({ port: fc.integer({ min: 1, max: 9 }), protocol: fc.constantFrom('TCP', 'UDP') }))
    const input = inputKinds.get('networking.k8s.io/v1/NetworkPolicy')!
    const facts = (matchExpressions: unknown, list: unknown) => {
      const spec = { podSelector: { matchExpressions }, ingress: [{ ports: list }] }
      const parsed = input.parse({ apiVersion: input.apiVersion, kind: input.kind, metadata: { name: 'p' }, spec })
      return isRight(parsed) ? parsed.right : parsed.left
    }
    fc.assert(
      fc.property(fc.array(expression), ports, (expressions, list) => {
        const reversed = [...expressions].reverse().map(one => ({ ...one, values: [...one.values].reverse() }))
        expect(
          sameFact(facts(expressions, list), facts([...reversed, ...reversed], [...list, ...list].reverse())),
        ).to.equal(true)
      }),
    )
  })

  it('a path of any keys leads back to its steps', () => {
    const step = fc.oneof(
      fc.nat(99),
      fc.string().filter(key => !/^\d+$/.test(key)),
    )
    fc.assert(
      fc.property(fc.array(step), steps => {
        const path = steps.reduce<string>(
          (at, one) => (typeof one === 'number' ? itemPath(at, one) : fieldPath(at, one)),
          '',
        )
        expect(pathSteps(path)).to.deep.equal(steps)
      }),
    )
  })
})

describe('input: absurd names', () => {
  it('stay short in paths and keys', () => {
    const huge = 'x'.repeat(1e6)
    const raw = { apiVersion: 'v1', kind: 'Pod', [huge]: 1, metadata: { name: huge, labels: { [huge]: 'a' } } }
    expect(recognise(raw).object.name).to.have.length(253)
    const parsed = inputKinds.get('v1/Pod')!.parse(raw)
    if (isRight(parsed)) throw new Error('understood')
    expect(JSON.stringify(parsed.left).length).to.be.below(4000)
  })
})

describe('input: sameFact and shortened', () => {
  it('ignores the order of fields and undefined ones, not that of lists', () => {
    expect(sameFact({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1, c: undefined })).to.equal(true)
    expect(sameFact({ a: [1, 2] }, { a: [2, 1] })).to.equal(false)
    expect(sameFact({ a: 1 }, { b: 1 })).to.equal(false)
    expect(sameFact({ a: [] }, { a: {} })).to.equal(false)
    expect(sameFact([1], [1, 2])).to.equal(false)
  })
  it('cuts a value at 120 characters whatever its size or shape', () => {
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    for (const value of [cyclic, 'x'.repeat(1e6), Array.from({ length: 1e5 }, () => 'y')])
      expect(shortened(value)).to.have.length(120)
    expect(shortened({ a: [1, null, 'b'] })).to.equal('{"a":[1,null,"b"]}')
  })
})
