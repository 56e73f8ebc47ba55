import type { EventKind } from '@weir/core'
import { cilium, group, kubernetes, onClient, onServer, service, tiered } from './dialect-case.js'
import type { Exam } from './incident-exam.js'
import type { Line } from './semantics-cases.js'

/** How something broke: a flow that passed and doesn't since, or the other way round. */
export interface IncidentCase {
  readonly title: string
  readonly flow: Line
  /** Manifests while all is well. */
  readonly before: string
  /** Those since, or what else happens. */
  readonly breaks: string | ((exam: Exam) => Promise<void>)
  /** Default: it passed before. */
  readonly passed?: false
  /** Who asks, where it is to be found by address and not by name. */
  readonly from?: string
  /** Before all is well. */
  readonly prepare?: (exam: Exam) => Promise<void>
  /** The event that is to be named. */
  readonly culprit: { readonly kind: EventKind; readonly object: string }
  /** The rule that decides since, or that decided until then. */
  readonly rule: { readonly side: 'before' | 'after'; readonly text: string }
  /** The object that is to be changed so that it is undone, and the change; '' where no change of one object does. */
  readonly undo: string
  /** Takes back what manifests don't. */
  readonly mend?: (exam: Exam) => Promise<void>
}

const documents = (...texts: readonly string[]): string => texts.join('\n---\n')

const server = 'podSelector: {matchLabels: {app: server}}'
const client = 'podSelector: {matchLabels: {app: client}}'
const fromClient = `{${server}, ingress: [{from: [{${client}}], ports: [{port: 8080}]}]}`
const shut = kubernetes('red', '{podSelector: {}, policyTypes: [Ingress]}', 'shut')
const inside: Line = ['red/client', 'red/server', 'TCP:8080']
const across: Line = ['blue/client', 'red/server', 'TCP:8080']
const fromWorld: Line = ['world', 'red/server', 'TCP:8080']
const toWorld: Line = ['red/client', 'world', 'TCP:443']
const toOffice: Line = ['red/client', 'office', 'TCP:443']
const toApi = cilium('red', `{${onClient}, egress: [{toFQDNs: [{matchName: api.example.com}]}]}`)

export const incidents: readonly IncidentCase[] = [
  {
    title: 'a policy is deleted that another flow relied on',
    flow: inside,
    before: documents(shut, kubernetes('red', fromClient, 'old-stuff')),
    breaks: shut,
    culprit: { kind: 'networkpolicy.deleted', object: 'red/old-stuff' },
    rule: { side: 'before', text: 'NetworkPolicy red/old-stuff spec.ingress[0]' },
    undo: 'NetworkPolicy red/shut: add {"from":[{"podSelector":{"matchLabels":{"app":"client"}}}],"ports":[{"protocol":"TCP","port":8080}]} to spec.ingress',
  },
  {
    title: 'a namespace is relabelled',
    flow: across,
    before: kubernetes('red', `{${server}, ingress: [{from: [{namespaceSelector: {matchLabels: {colour: blue}}}]}]}`),
    breaks: exam => exam.edit({ 'Namespace blue': { metadata: { labels: { colour: 'navy', team: 'sea' } } } }),
    mend: exam => exam.edit({}),
    culprit: { kind: 'namespace.upserted', object: 'blue' },
    rule: { side: 'before', text: 'NetworkPolicy red/p spec.ingress[0]' },
    undo: 'NetworkPolicy red/p: add {"from":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"blue"}},"podSelector":{"matchLabels":{"app":"client"}}}],"ports":[{"protocol":"TCP","port":8080}]} to spec.ingress',
  },
  {
    title: 'a selector is mistyped',
    flow: inside,
    before: kubernetes('red', fromClient),
    breaks: kubernetes('red', fromClient.replace('app: client', 'app: cleint')),
    culprit: { kind: 'networkpolicy.upserted', object: 'red/p' },
    rule: { side: 'after', text: 'NetworkPolicy red/p spec.policyTypes' },
    undo: 'NetworkPolicy red/p: set spec.ingress[0].from[0].podSelector.matchLabels.app to "client"',
  },
  {
    title: 'a block gets an exception that is too large',
    flow: fromWorld,
    before: kubernetes('red', `{${server}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}`),
    breaks: kubernetes(
      'red',
      `{${server}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.64/26]}}]}]}`,
    ),
    culprit: { kind: 'networkpolicy.upserted', object: 'red/p' },
    rule: { side: 'after', text: 'NetworkPolicy red/p spec.policyTypes' },
    undo: 'NetworkPolicy red/p: add {"from":[{"ipBlock":{"cidr":"203.0.113.77/32"}}],"ports":[{"protocol":"TCP","port":8080}]} to spec.ingress',
  },
  {
    title: 'a deny of another dialect shadows an allow',
    flow: inside,
    before: kubernetes('red', fromClient),
    breaks: documents(
      kubernetes('red', fromClient),
      cilium('red', `{${onServer}, ingressDeny: [{fromEndpoints: [{matchLabels: {tier: front}}]}]}`, 'quarantine'),
    ),
    culprit: { kind: 'ciliumpolicy.upserted', object: 'red/quarantine' },
    rule: { side: 'after', text: 'CiliumNetworkPolicy red/quarantine spec.ingressDeny[0]' },
    undo: 'CiliumNetworkPolicy red/quarantine: remove spec.ingressDeny[0]',
  },
  {
    title: 'an address is given to a pod with other labels',
    flow: inside,
    from: '10.77.1.1',
    passed: false,
    before: kubernetes('red', fromClient.replace('app: client', 'app: stranger')),
    breaks: exam => exam.giveAddress('client', 'stranger', { app: 'stranger' }),
    mend: exam => exam.giveAddress('stranger', 'client', { app: 'client', tier: 'front' }),
    culprit: { kind: 'pod.upserted', object: 'red/stranger' },
    rule: { side: 'after', text: 'NetworkPolicy red/p spec.ingress[0]' },
    undo: 'NetworkPolicy red/p: remove spec.ingress[0]',
  },
  {
    title: 'a named port is another number than it was',
    flow: inside,
    before: kubernetes('red', `{${server}, ingress: [{ports: [{port: web}]}]}`),
    breaks: exam =>
      exam.edit({
        'Pod red/server': {
          spec: {
            containers: [{ name: 'c', image: 'i', ports: [{ name: 'web', protocol: 'TCP', containerPort: 8088 }] }],
          },
        },
      }),
    mend: exam => exam.edit({}),
    culprit: { kind: 'pod.upserted', object: 'red/server' },
    rule: { side: 'after', text: 'NetworkPolicy red/p spec.policyTypes' },
    undo: 'NetworkPolicy red/p: add {"from":[{"podSelector":{"matchLabels":{"app":"client"}}}],"ports":[{"protocol":"TCP","port":8080}]} to spec.ingress',
  },
  {
    title: 'an answer of DNS ends',
    flow: toWorld,
    before: toApi,
    prepare: exam => exam.answer('api.example.com', 'world', 600),
    breaks: exam => exam.pass(700),
    culprit: { kind: 'time.passed', object: '' },
    rule: { side: 'before', text: 'CiliumNetworkPolicy red/p spec.egress[0]' },
    undo: 'CiliumNetworkPolicy red/p: add {"toCIDRSet":[{"cidr":"203.0.113.77/32"}],"toPorts":[{"ports":[{"port":"443","protocol":"TCP"}]}]} to spec.egress',
  },
  {
    title: 'an answer of DNS brings another address',
    flow: toOffice,
    passed: false,
    before: toApi,
    breaks: exam => exam.answer('api.example.com', 'office', 100_000),
    mend: exam => exam.pass(200_000),
    culprit: { kind: 'dns.answered', object: 'api.example.com' },
    rule: { side: 'after', text: 'CiliumNetworkPolicy red/p spec.egress[0]' },
    undo: 'CiliumNetworkPolicy red/p: add {"toCIDRSet":[{"cidr":"198.51.100.7/32"}],"toPorts":[{"ports":[{"port":"443","protocol":"TCP"}]}]} to spec.egressDeny',
  },
  {
    title: 'a node goes',
    flow: ['neighbour', 'red/server', 'TCP:8080'],
    before: cilium('red', `{${onServer}, ingress: [{fromEntities: [remote-node]}]}`),
    breaks: exam => exam.edit({ 'Node neighbour': 'gone' }),
    mend: exam => exam.edit({}),
    culprit: { kind: 'node.deleted', object: 'neighbour' },
    rule: { side: 'before', text: 'CiliumNetworkPolicy red/p spec.ingress[0]' },
    undo: 'CiliumNetworkPolicy red/p: add {"fromCIDRSet":[{"cidr":"192.0.2.2/32"}],"toPorts":[{"ports":[{"port":"8080","protocol":"TCP"}]}]} to spec.ingress',
  },
  {
    title: 'a clock jumps back an hour just before',
    flow: inside,
    before: kubernetes('red', fromClient),
    breaks: async exam => {
      exam.turnClock(-3_600_000)
      await exam.set(kubernetes('red', fromClient.replace('8080', '8081')))
    },
    mend: async exam => exam.turnClock(0),
    culprit: { kind: 'networkpolicy.upserted', object: 'red/p' },
    rule: { side: 'after', text: 'NetworkPolicy red/p spec.policyTypes' },
    undo: 'NetworkPolicy red/p: add {"protocol":"TCP","port":8080} to spec.ingress[0].ports',
  },
  {
    title: 'a pod loses a label',
    flow: inside,
    before: kubernetes('red', `{${server}, ingress: [{from: [{podSelector: {matchLabels: {tier: front}}}]}]}`),
    breaks: exam => exam.edit({ 'Pod red/client': { metadata: { labels: { app: 'client' } } } }),
    mend: exam => exam.edit({}),
    culprit: { kind: 'pod.upserted', object: 'red/client' },
    rule: { side: 'before', text: 'NetworkPolicy red/p spec.ingress[0]' },
    undo: 'NetworkPolicy red/p: add {"from":[{"podSelector":{"matchLabels":{"app":"client"}}}],"ports":[{"protocol":"TCP","port":8080}]} to spec.ingress',
  },
  {
    title: 'a namespace is shut by default',
    flow: across,
    before: '{apiVersion: v1, kind: Namespace, metadata: {name: nothing}}',
    breaks: shut,
    culprit: { kind: 'networkpolicy.upserted', object: 'red/shut' },
    rule: { side: 'after', text: 'NetworkPolicy red/shut spec.policyTypes' },
    undo: 'NetworkPolicy red/shut: add {"from":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"blue"}},"podSelector":{"matchLabels":{"app":"client"}}}],"ports":[{"protocol":"TCP","port":8080}]} to spec.ingress',
  },
  {
    title: 'a policy of one direction becomes one of both',
    flow: inside,
    before: kubernetes('red', `{${client}, policyTypes: [Ingress], ingress: [{}]}`),
    breaks: kubernetes('red', `{${client}, policyTypes: [Ingress, Egress], ingress: [{}]}`),
    culprit: { kind: 'networkpolicy.upserted', object: 'red/p' },
    rule: { side: 'after', text: 'NetworkPolicy red/p spec.policyTypes' },
    undo: 'NetworkPolicy red/p: add {"to":[{"podSelector":{"matchLabels":{"app":"server"}}}],"ports":[{"protocol":"TCP","port":8080}]} to spec.egress',
  },
  {
    title: 'a range of ports is cut short',
    flow: inside,
    before: kubernetes('red', `{${server}, ingress: [{ports: [{port: 8000, endPort: 9000}]}]}`),
    breaks: kubernetes('red', `{${server}, ingress: [{ports: [{port: 8000, endPort: 8079}]}]}`),
    culprit: { kind: 'networkpolicy.upserted', object: 'red/p' },
    rule: { side: 'after', text: 'NetworkPolicy red/p spec.policyTypes' },
    undo: 'NetworkPolicy red/p: add {"from":[{"podSelector":{"matchLabels":{"app":"client"}}}],"ports":[{"protocol":"TCP","port":8080}]} to spec.ingress',
  },
  {
    title: 'a port is of another protocol',
    flow: ['red/client', 'red/server', 'UDP:5353'],
    before: kubernetes('red', `{${server}, ingress: [{ports: [{port: 5353, protocol: UDP}]}]}`),
    breaks: kubernetes('red', `{${server}, ingress: [{ports: [{port: 5353, protocol: TCP}]}]}`),
    culprit: { kind: 'networkpolicy.upserted', object: 'red/p' },
    rule: { side: 'after', text: 'NetworkPolicy red/p spec.policyTypes' },
    undo: 'NetworkPolicy red/p: add {"from":[{"podSelector":{"matchLabels":{"app":"client"}}}],"ports":[{"protocol":"UDP","port":5353}]} to spec.ingress',
  },
  {
    title: 'a group of blocks loses one',
    flow: fromWorld,
    before: documents(
      group('offices', '[203.0.113.0/24, 198.51.100.0/24]', '{}'),
      cilium('red', `{${onServer}, ingress: [{fromCIDRSet: [{cidrGroupRef: offices}]}]}`),
    ),
    breaks: documents(
      group('offices', '[198.51.100.0/24]', '{}'),
      cilium('red', `{${onServer}, ingress: [{fromCIDRSet: [{cidrGroupRef: offices}]}]}`),
    ),
    culprit: { kind: 'cidrgroup.upserted', object: 'offices' },
    rule: { side: 'before', text: 'CiliumNetworkPolicy red/p spec.ingress[0]' },
    undo: 'CiliumNetworkPolicy red/p: add {"fromCIDRSet":[{"cidr":"203.0.113.77/32"}],"toPorts":[{"ports":[{"port":"8080","protocol":"TCP"}]}]} to spec.ingress',
  },
  {
    title: 'an administrator denies what a namespace allows',
    flow: across,
    before: kubernetes('red', `{${server}, ingress: [{}]}`),
    breaks: documents(
      kubernetes('red', `{${server}, ingress: [{}]}`),
      tiered(
        'lockdown',
        `{tier: Admin, priority: 5, subject: {namespaces: {matchLabels: {colour: red}}}, ingress: [
          {action: Deny, from: [{namespaces: {matchLabels: {colour: blue}}}]}]}`,
      ),
    ),
    culprit: { kind: 'clusterpolicy.upserted', object: 'lockdown' },
    rule: { side: 'after', text: 'ClusterNetworkPolicy lockdown spec.ingress[0]' },
    undo: 'ClusterNetworkPolicy lockdown: add {"action":"Accept","from":[{"pods":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"blue"}},"podSelector":{"matchLabels":{"app":"client"}}}}],"protocols":[{"tcp":{"destinationPort":{"number":8080}}}]} to spec.ingress',
  },
  {
    title: 'without its own policy a pod falls to the baseline',
    flow: across,
    before: documents(
      kubernetes('red', `{${server}, ingress: [{}]}`),
      tiered(
        'floor',
        '{tier: Baseline, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}',
      ),
    ),
    breaks: tiered(
      'floor',
      '{tier: Baseline, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}',
    ),
    culprit: { kind: 'networkpolicy.deleted', object: 'red/p' },
    rule: { side: 'after', text: 'ClusterNetworkPolicy floor spec.ingress[0]' },
    undo: 'ClusterNetworkPolicy floor: add {"action":"Accept","from":[{"pods":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"blue"}},"podSelector":{"matchLabels":{"app":"client"}}}}],"protocols":[{"tcp":{"destinationPort":{"number":8080}}}]} to spec.ingress',
  },
  {
    title: 'an empty list of peers lets everybody in',
    flow: fromWorld,
    passed: false,
    before: kubernetes('red', fromClient),
    breaks: kubernetes('red', `{${server}, ingress: [{from: [], ports: [{port: 8080}]}]}`),
    culprit: { kind: 'networkpolicy.upserted', object: 'red/p' },
    rule: { side: 'after', text: 'NetworkPolicy red/p spec.ingress[0]' },
    undo: 'NetworkPolicy red/p: set spec.ingress[0].from to [{"podSelector":{"matchLabels":{"app":"client"}}}]',
  },
  {
    title: 'a policy begins to deny by default',
    flow: across,
    before: cilium('red', `{${onServer}, enableDefaultDeny: {ingress: false}, ingress: [{fromEndpoints: [{}]}]}`),
    breaks: cilium('red', `{${onServer}, ingress: [{fromEndpoints: [{}]}]}`),
    culprit: { kind: 'ciliumpolicy.upserted', object: 'red/p' },
    rule: { side: 'after', text: 'CiliumNetworkPolicy red/p' },
    undo: 'CiliumNetworkPolicy red/p: add {"fromEndpoints":[{"matchLabels":{"k8s:io.kubernetes.pod.namespace":"blue","app":"client"}}],"toPorts":[{"ports":[{"port":"8080","protocol":"TCP"}]}]} to spec.ingress',
  },
  {
    title: 'a pod runs as another account',
    flow: inside,
    before: cilium(
      'red',
      `{${onServer}, ingress: [{fromEndpoints: [{matchLabels: {io.cilium.k8s.policy.serviceaccount: client-account}}]}]}`,
    ),
    breaks: exam => exam.edit({ 'Pod red/client': { spec: { serviceAccountName: 'default' } } }),
    mend: exam => exam.edit({}),
    culprit: { kind: 'pod.upserted', object: 'red/client' },
    rule: { side: 'before', text: 'CiliumNetworkPolicy red/p spec.ingress[0]' },
    undo: 'CiliumNetworkPolicy red/p: add {"fromEndpoints":[{"matchLabels":{"app":"client"}}],"toPorts":[{"ports":[{"port":"8080","protocol":"TCP"}]}]} to spec.ingress',
  },
]

/** A service loses its endpoints. */
export const drift = {
  before: service(
    'red',
    'front',
    '{clusterIP: 10.96.7.7, selector: {app: server}, ports: [{port: 80, targetPort: 8080}]}',
  ),
  breaks: service(
    'red',
    'front',
    '{clusterIP: 10.96.7.7, selector: {app: servers}, ports: [{port: 80, targetPort: 8080}]}',
  ),
  address: '10.96.7.7',
  port: 80,
  service: 'red/front',
  undo: 'Service red/front: set spec.selector.app to "server"',
} as const
