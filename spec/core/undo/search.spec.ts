import { Engine, type EventBody, type Explanation, verdicts } from '@weir/core'
import { objectOf } from '@weir/core/event/object-of.js'
import { inputKinds } from '@weir/core/input/kinds.js'
import { findUndo, type UndoSearch } from '@weir/core/undo/search.js'
import { expect } from 'chai'
import { configured, numbered } from '../../oracle/generate/history.js'
import { understood } from '../input/read.js'

const read = (raw: object): EventBody => {
  const { apiVersion, kind } = raw as { apiVersion: string; kind: string }
  return understood(inputKinds.get(`${apiVersion}/${kind}`)!.parse(raw))[0]!
}
const namespace = (name: string, labels: object): EventBody =>
  read({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
const pod = (name: string, address: string, labels: object, space = 'red'): EventBody =>
  read({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: space, labels },
    spec: { nodeName: 'here', containers: [{ name: 'c', ports: [{ name: 'web', containerPort: 8080 }] }] },
    status: { podIP: address },
  })
const kubernetes = (spec: object, name = 'p'): EventBody =>
  read({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: 'red' }, spec })
const cilium = (spec: object, name = 'c'): EventBody =>
  read({ apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata: { name, namespace: 'red' }, spec })
const tiered = (spec: object, name = 'lockdown'): EventBody =>
  read({ apiVersion: 'policy.networking.k8s.io/v1alpha2', kind: 'ClusterNetworkPolicy', metadata: { name }, spec })
const admin = (spec: object): EventBody =>
  read({ apiVersion: 'policy.networking.k8s.io/v1alpha1', kind: 'AdminNetworkPolicy', metadata: { name: 'a' }, spec })

const cluster: readonly EventBody[] = [
  configured,
  namespace('red', { colour: 'red' }),
  namespace('blue', { colour: 'blue' }),
  pod('server', '10.0.0.1', { app: 'server' }),
  pod('client', '10.0.0.2', { app: 'client', tier: 'front' }),
  pod('other', '10.0.0.3', { app: 'other', tier: 'front' }),
  pod('guest', '10.0.0.4', { app: 'guest' }, 'blue'),
]
const allow = (labels: object, ports: readonly object[] = [{ port: 8080 }]) => ({
  podSelector: { matchLabels: { app: 'server' } },
  ingress: [{ from: [{ podSelector: { matchLabels: labels } }], ports }],
})
const open = { enableDefaultDeny: { ingress: false } }
const onServer = { endpointSelector: { matchLabels: { app: 'server' } } }
const [client, guest, outside] = ['10.0.0.2', '10.0.0.4', '203.0.113.64']

/** What undoes the last of the events, for a flow to the server's web port. */
function undoing(bodies: readonly EventBody[], from = client, port = 8080): UndoSearch & { readonly passes: boolean } {
  const all = [...cluster, ...bodies]
  const [good, bad] = [all.slice(0, -1), all].map(events => {
    const engine = new Engine()
    engine.apply(numbered(events))
    return engine
  }) as [Engine, Engine]
  const flow = { from, to: '10.0.0.1', protocol: 6, port }
  const allowed = ({ verdict }: Explanation): boolean => verdict === verdicts.allow
  const meant = allowed(good.explain(flow))
  expect(allowed(bad.explain(flow)), 'it is broken').to.equal(!meant)
  const object = objectOf(all.at(-1)!)!
  const isUndone = (engine: Engine): boolean => allowed(engine.explain(flow)) === meant
  return { ...findUndo({ bad, good: good.state, objects: [object], flows: [flow], isUndone }), passes: meant }
}

/** Of a policy that changes, a break and what is to undo it: the object and the change. */
const cases: readonly {
  readonly title: string
  readonly bodies: readonly EventBody[]
  readonly from?: string
  readonly port?: number
  readonly undo: string
  readonly others?: number
}[] = [
  {
    title: 'a selector that was mistyped is set right',
    bodies: [kubernetes(allow({ app: 'client' })), kubernetes(allow({ app: 'cleint' }))],
    undo: 'NetworkPolicy/red/p set spec.ingress[0].from[0].podSelector.matchLabels.app to "client"',
  },
  {
    title: 'of a policy that is gone the rule that counted comes back, and no other',
    bodies: [
      kubernetes({ podSelector: {}, policyTypes: ['Ingress'] }, 'shut'),
      kubernetes({
        ...allow({ app: 'client' }),
        ingress: [
          { from: [{ podSelector: { matchLabels: { app: 'other' } } }], ports: [{ port: 9090 }] },
          ...allow({ app: 'client' }).ingress,
        ],
      }),
      { kind: 'networkpolicy.deleted', namespace: 'red', name: 'p' },
    ],
    undo: 'NetworkPolicy/red/p put it back with spec.ingress[1] alone',
    others: 0,
  },
  {
    title: 'a pod that lost a label gets it back',
    bodies: [kubernetes(allow({ tier: 'front' })), pod('client', client, { app: 'client' })],
    undo: 'Pod/red/client set metadata.labels.tier to "front"',
  },
  {
    title: 'who is in an exception that is too large gets the port that he had',
    bodies: [
      kubernetes({ podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '203.0.113.0/24' } }] }] }),
      kubernetes({
        podSelector: {},
        ingress: [{ from: [{ ipBlock: { cidr: '203.0.113.0/24', except: ['203.0.113.64/26', '203.0.113.8/32'] } }] }],
      }),
    ],
    from: outside,
    undo: 'NetworkPolicy/red/p add {"from":[{"ipBlock":{"cidr":"203.0.113.64/32"}}],"ports":[{"protocol":"TCP","port":8080}]} to spec.ingress',
  },
  {
    title: 'a port comes back',
    bodies: [kubernetes(allow({ app: 'client' })), kubernetes(allow({ app: 'client' }, [{ port: 9090 }]))],
    undo: 'NetworkPolicy/red/p add {"protocol":"TCP","port":8080} to spec.ingress[0].ports',
  },
  {
    title: 'a deny leaves somebody out',
    bodies: [cilium({ ...onServer, ...open, ingressDeny: [{ fromEndpoints: [{ matchLabels: { tier: 'front' } }] }] })],
    undo: 'CiliumNetworkPolicy/red/c add {"key":"app","operator":"NotIn","values":["client"]} to spec.ingressDeny[0].fromEndpoints[0].matchExpressions',
  },
  {
    title: 'of a deny of several peers one goes',
    bodies: [
      cilium({
        ...onServer,
        ...open,
        ingressDeny: [{ fromCIDRSet: [{ cidr: '203.0.113.0/24' }, { cidr: '198.51.100.0/24' }] }],
      }),
    ],
    from: outside,
    undo: 'CiliumNetworkPolicy/red/c add "203.0.113.64/32" to spec.ingressDeny[0].fromCIDRSet[0].except',
  },
  {
    title: 'an administrator makes an exception before what denies',
    bodies: [
      tiered({
        ...{ tier: 'Admin', priority: 5, subject: { namespaces: { matchLabels: { colour: 'red' } } } },
        ingress: [{ action: 'Deny', from: [{ namespaces: { matchLabels: { colour: 'blue' } } }] }],
      }),
    ],
    from: guest,
    undo: 'ClusterNetworkPolicy//lockdown add {"action":"Accept","from":[{"pods":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"blue"}},"podSelector":{"matchLabels":{"app":"guest"}}}}],"protocols":[{"tcp":{"destinationPort":{"number":8080}}}]} to spec.ingress',
  },
  {
    title: 'and so he does in the older version of the API',
    bodies: [
      admin({
        ...{ priority: 5, subject: { namespaces: { matchLabels: { colour: 'red' } } } },
        ingress: [{ action: 'Deny', from: [{ namespaces: { matchLabels: { colour: 'blue' } } }] }],
      }),
    ],
    from: guest,
    undo: 'AdminNetworkPolicy//a add {"action":"Allow","from":[{"pods":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"blue"}},"podSelector":{"matchLabels":{"app":"guest"}}}}],"ports":[{"portNumber":{"protocol":"TCP","port":8080}}]} to spec.ingress',
  },
  {
    title: 'who was let in by an empty list is out again',
    bodies: [
      kubernetes(allow({ app: 'client' })),
      kubernetes({ podSelector: { matchLabels: { app: 'server' } }, ingress: [{ ports: [{ port: 8080 }] }] }),
    ],
    from: outside,
    undo: 'NetworkPolicy/red/p set spec.ingress[0].from to [{"podSelector":{"matchLabels":{"app":"client"}}}]',
  },
  {
    title: 'who came by a name that is another number comes by the number',
    bodies: [
      kubernetes({ podSelector: { matchLabels: { app: 'server' } }, ingress: [{ ports: [{ port: 'web' }] }] }),
      read({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'server', namespace: 'red', labels: { app: 'server' } },
        spec: { nodeName: 'here', containers: [{ name: 'c', ports: [{ name: 'web', containerPort: 8088 }] }] },
        status: { podIP: '10.0.0.1' },
      }),
    ],
    undo: 'NetworkPolicy/red/p add {"from":[{"podSelector":{"matchLabels":{"app":"client"}}}],"ports":[{"protocol":"TCP","port":8080}]} to spec.ingress',
  },
]

describe('the smallest undo', () => {
  for (const { title, bodies, from, port, undo, others } of cases)
    it(title, () => {
      const { undo: found, tried, undoing: several } = undoing(bodies, from, port)
      expect(`${Object.values(found!.object).join('/')} ${found!.change}`).to.equal(undo)
      if (others !== undefined) expect(found!.others.length).to.equal(others)
      expect(several).to.be.greaterThan(0).and.at.most(tried)
    })

  it('is none where nothing that is in force can be changed to that end', () => {
    // Nobody isolates an address that is nobody's: only the pod itself could come back.
    const gone = undoing([
      kubernetes({ podSelector: { matchLabels: { app: 'server' } }, policyTypes: ['Ingress'] }),
      { kind: 'pod.deleted', namespace: 'red', name: 'server' },
    ])
    expect([gone.tried, gone.undoing, gone.undo?.object.kind]).to.deep.equal([1, 1, 'Pod'])
  })

  it('is none where it is no object that broke it, and nothing that could be changed decides', () => {
    const engine = new Engine()
    engine.apply(numbered(cluster))
    const flow = { from: client, to: '10.0.0.1', protocol: 6, port: 8080 }
    const never = findUndo({ bad: engine, good: engine.state, objects: [], flows: [flow], isUndone: () => false })
    expect(never).to.deep.equal({ tried: 0, undoing: 0 })
  })
})
