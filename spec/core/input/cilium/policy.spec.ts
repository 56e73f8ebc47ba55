import { expect } from 'chai'
import { problemsOf, understood } from '../read.js'
import { clusterwide, namespaced, refusedRule, ruleOf } from './write.js'

describe('input: CiliumNetworkPolicy', () => {
  describe('spec and specs', () => {
    const one = { endpointSelector: {}, ingress: [{}] }
    it('are taken together, each rule with its path', () => {
      const fact = understood(namespaced({ spec: one, specs: [one, one] }))
      expect(fact).to.include({ kind: 'CiliumNetworkPolicy', namespace: 'shop', name: 'p' })
      expect(fact.rules.map(({ path }) => path)).to.deep.equal(['spec', 'specs[0]', 'specs[1]'])
      expect(fact.rules.map(({ ingress }) => ingress?.[0]?.path)).to.deep.equal([
        'spec.ingress[0]',
        'specs[0].ingress[0]',
        'specs[1].ingress[0]',
      ])
    })
    it('need at least one rule between them', () => {
      for (const fields of [{}, { specs: [] }])
        expect(problemsOf(namespaced(fields)).spec?.expected).to.equal('spec, or at least one rule in specs')
    })
    it('belong to no namespace when clusterwide', () => {
      expect(understood(clusterwide({ spec: one }))).to.include({
        kind: 'CiliumClusterwideNetworkPolicy',
        namespace: '',
      })
      const confined = problemsOf(clusterwide({ metadata: { name: 'p', namespace: 'shop' }, spec: one }))
      expect(confined).to.have.key('metadata.namespace')
    })
    it('tell of everything that is wrong at once, with value and what is legal', () => {
      const found = problemsOf(
        namespaced({
          metadata: { name: 'P' },
          spec: { endpointSelector: { matchLabel: {} }, ingress: [{ fromEntities: ['wurld'] }] },
          specs: [{ endpointSelector: {}, egress: [{ toPort: [] }] }],
        }),
      )
      expect(found).to.have.all.keys(
        'metadata.name',
        'spec.endpointSelector.matchLabel',
        'spec.ingress[0].fromEntities[0]',
        'specs[0].egress[0].toPort',
      )
      expect(found['spec.ingress[0].fromEntities[0]']).to.include({ value: '"wurld"', expected: 'world' })
      expect(found['spec.endpointSelector.matchLabel']?.expected).to.equal('matchLabels')
      expect(found['specs[0].egress[0].toPort']?.expected).to.equal('toPorts')
    })
  })

  describe('subject', () => {
    const nodes = { nodeSelector: { matchLabels: { 'k8s:type': 'worker' } }, ingress: [{}] }
    it('is endpoints, or nodes where the policy is clusterwide', () => {
      const selector = [{ key: 'type', operator: 'In', values: ['worker'] }]
      expect(understood(clusterwide({ spec: nodes })).rules[0]?.subject).to.deep.equal({ kind: 'nodes', selector })
      expect(ruleOf({ ingress: [{}] }).subject).to.deep.equal({ kind: 'endpoints', selector: [] })
    })
    it('is never nodes in a namespace', () => {
      expect(problemsOf(namespaced({ spec: nodes }))['spec.nodeSelector']?.message).to.include('Clusterwide')
    })
    it('is exactly one of the two', () => {
      const both = problemsOf(clusterwide({ spec: { ...nodes, endpointSelector: {} } }))
      expect(both.spec?.expected).to.equal('exactly one of endpointSelector, nodeSelector')
      for (const parsed of [clusterwide({ spec: { ingress: [{}] } }), namespaced({ spec: { ingress: [{}] } })])
        expect(problemsOf(parsed).spec?.expected).to.include('endpointSelector')
    })
  })

  describe('sections', () => {
    it('are absent when empty, as if they were not there', () => {
      const rule = ruleOf({ ingress: [], egress: [{}] })
      expect(rule).to.not.have.property('ingress')
      expect(rule.egress).to.deep.equal([{ path: 'spec.egress[0]' }])
    })
    it('hold an empty rule as one without peers, ports and icmps: it isolates and selects nobody', () => {
      expect(ruleOf({ ingress: [{}] }).ingress).to.deep.equal([{ path: 'spec.ingress[0]' }])
      expect(ruleOf({ ingress: [{ toPorts: [] }] }).ingress).to.deep.equal([{ path: 'spec.ingress[0]' }])
    })
    it('are needed: a rule must have one, if only an empty one', () => {
      const expected = 'at least one of ingress, ingressDeny, egress, egressDeny'
      expect(refusedRule({}).spec).to.include({ message: 'this rule has no section', expected })
      expect(ruleOf({ ingressDeny: [] })).to.not.have.property('ingressDeny')
    })
    it('refuse an empty list item, which would be a rule', () => {
      expect(refusedRule({ ingress: [null] })['spec.ingress[0]']?.message).to.equal('the list item is empty')
    })
  })

  describe('what a rule says of itself', () => {
    it('is carried: description, log, labels and the default deny of each direction', () => {
      const rule = ruleOf({
        ingress: [{}],
        description: 'front door',
        log: { value: 'door' },
        labels: [{ key: 'team', source: 'k8s', value: 'web' }, { key: 'a' }],
        enableDefaultDeny: { ingress: false },
      })
      expect(rule).to.deep.include({
        description: 'front door',
        logValue: 'door',
        labels: ['k8s:team=web', 'unspec:a'],
        enableDefaultDeny: { ingress: false },
      })
      expect(ruleOf({ ingress: [{}] }).enableDefaultDeny).to.deep.equal({})
    })
    it('is checked', () => {
      const found = refusedRule({
        ingress: [{}],
        log: { value: 'x'.repeat(33) },
        labels: [{ value: 'a' }],
        enableDefaultDeny: { ingress: 'false', ingres: true },
      })
      expect(found).to.have.all.keys(
        'spec.log.value',
        'spec.labels[0].key',
        'spec.enableDefaultDeny.ingress',
        'spec.enableDefaultDeny.ingres',
      )
      expect(refusedRule({ ingress: [{}], log: { value: 'a\u0007' } })['spec.log.value']?.message).to.include(
        'printable',
      )
    })
  })

  describe('label keys', () => {
    const selector = (matchLabels: unknown, matchExpressions?: unknown) =>
      ruleOf({ ingress: [{}], endpointSelector: { matchLabels, matchExpressions } }).subject.selector
    it('lose the sources k8s and any; others stay', () => {
      const written = { 'k8s:app': 'web', 'any:tier': 'a', role: 'b', 'reserved:init': '' }
      expect(selector(written).map(({ key }) => key)).to.deep.equal(['app', 'reserved:init', 'role', 'tier'])
    })
    it('mean the same in matchLabels and matchExpressions', () => {
      const expression = { key: 'k8s:io.kubernetes.pod.namespace', operator: 'In', values: ['a'] }
      expect(selector(undefined, [expression])).to.deep.equal(selector({ 'any:io.kubernetes.pod.namespace': 'a' }))
    })
    it('that turn out the same must both match', () => {
      expect(selector({ 'k8s:app': 'a', app: 'b' })).to.deep.equal([
        { key: 'app', operator: 'In', values: ['a'] },
        { key: 'app', operator: 'In', values: ['b'] },
      ])
    })
    it('of namespaces may be as long as a key behind their prefix', () => {
      const key = `io.cilium.k8s.namespace.labels.${'x'.repeat(63)}`
      expect(selector({ [`k8s:${key}`]: 'a' })[0]?.key).to.equal(key)
    })
    it('are refused where they are none', () => {
      const refused = (key: string) =>
        Object.values(refusedRule({ ingress: [{}], endpointSelector: { matchLabels: { [key]: 'a' } } }))
      for (const key of [':app', 'K8s:app', 'k8s:', 'k8s:-a', 'a/b/c', `x${'x'.repeat(63)}`])
        expect(refused(key), key).to.have.length(1)
    })
  })
})
