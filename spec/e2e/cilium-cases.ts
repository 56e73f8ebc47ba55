import { cilium, clusterwide, type DialectCase, kubernetes, onClient, onServer, service } from './dialect-case.js'

const web = '{ports: [{port: "8080", protocol: TCP}]}'
const proxied = 'Proxy redirection not supported for protocol'

/** What a CiliumNetworkPolicy and a CiliumClusterwideNetworkPolicy mean, addresses aside. */
export const ciliumCases: readonly DialectCase[] = [
  {
    title: 'an endpoint selector is confined to the policy’s namespace',
    manifests: [cilium('red', `{${onServer}, ingress: [{fromEndpoints: [{}]}]}`)],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'ICMP'],
      ['blue/client', 'blue/server', 'TCP:8081'],
    ],
    fails: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['world', 'red/server', 'TCP:8080'],
      ['neighbour', 'red/server', 'TCP:8080'],
    ],
  },
  {
    title: 'unless it names a namespace itself, by name or by labels',
    manifests: [
      cilium(
        'red',
        `{${onServer}, ingress: [{fromEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": blue}}]}]}`,
      ),
      cilium(
        'blue',
        `{${onServer}, ingress: [{fromEndpoints: [
          {matchLabels: {app: client, io.cilium.k8s.namespace.labels.colour: red}}]}]}`,
      ),
    ],
    passes: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['red/client', 'blue/server', 'TCP:8081'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'blue/server', 'TCP:8081'],
    ],
  },
  {
    title: 'in a clusterwide policy the empty selector means every pod of the cluster, and no one else',
    manifests: [clusterwide(`{${onServer}, ingress: [{fromEndpoints: [{}]}]}`)],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'red/server', 'TCP:8080'],
    ],
    fails: [
      ['world', 'red/server', 'TCP:8080'],
      ['neighbour', 'blue/server', 'TCP:8081'],
    ],
  },
  {
    title: 'labels name their source or none; service account and cluster are labels too',
    manifests: [
      cilium(
        'red',
        `{endpointSelector: {matchLabels: {"k8s:app": server}}, ingress: [{fromEndpoints: [
          {matchLabels: {"any:app": client, io.cilium.k8s.policy.serviceaccount: client-account}}]}]}`,
      ),
      cilium(
        'blue',
        `{endpointSelector: {matchLabels: {"k8s:app": server}}, ingress: [{fromEndpoints: [
          {matchLabels: {io.cilium.k8s.policy.cluster: elsewhere}}]}]}`,
      ),
    ],
    passes: [['red/client', 'red/server', 'TCP:8080']],
    fails: [['blue/client', 'blue/server', 'TCP:8081']],
  },
  {
    title: 'NotIn and DoesNotExist match where the key is absent',
    manifests: [
      clusterwide(
        `{endpointSelector: {matchExpressions: [{key: tier, operator: DoesNotExist}, {key: app, operator: In, values: [server]}]},
          ingress: [{fromEndpoints: [{matchExpressions: [{key: tier, operator: NotIn, values: [front]}]}]}]}`,
      ),
      clusterwide(
        `{endpointSelector: {matchLabels: {tier: back}},
          ingress: [{fromEndpoints: [{matchExpressions: [{key: tier, operator: DoesNotExist}]}]}]}`,
        'q',
      ),
    ],
    passes: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['blue/server', 'red/server', 'TCP:8080'],
      ['red/server', 'blue/server', 'TCP:8081'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'blue/server', 'TCP:8081'],
    ],
  },
  {
    title: 'ingress: [{}] denies all ingress; so does an empty list of peers; ICMP is denied, too',
    manifests: [
      cilium('red', `{${onServer}, ingress: [{}]}`),
      cilium('blue', `{${onServer}, ingress: [{fromEndpoints: [], toPorts: [{ports: [{port: "8081"}]}]}]}`),
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'ICMP'],
      ['world', 'red/server', 'TCP:8080'],
      ['blue/client', 'blue/server', 'TCP:8081'],
    ],
    passes: [
      ['host', 'red/server', 'TCP:8080'],
      ['red/server', 'blue/client', 'ICMP'],
    ],
  },
  {
    title: 'an empty section is none, and isolates nothing',
    manifests: [cilium('red', `{${onServer}, ingress: [], egress: [{}]}`)],
    passes: [['blue/client', 'red/server', 'TCP:8080']],
    fails: [['red/server', 'blue/server', 'TCP:8081']],
  },
  {
    title: 'a rule that need not isolate allows and denies all the same',
    manifests: [
      cilium(
        'red',
        `{${onServer}, enableDefaultDeny: {ingress: false},
          ingress: [{fromEndpoints: [{}]}], ingressDeny: [{toPorts: [{ports: [{port: "9090"}]}]}]}`,
      ),
    ],
    passes: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['world', 'red/server', 'TCP:8080'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:9090'],
      ['blue/client', 'red/server', 'TCP:9090'],
    ],
  },
  {
    title: 'ports without peers are meant of everybody',
    manifests: [cilium('red', `{${onServer}, ingress: [{toPorts: [${web}]}]}`)],
    passes: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['world', 'red/server', 'TCP:8080'],
      ['neighbour', 'red/server', 'TCP:8080'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:9090'],
      ['red/client', 'red/server', 'ICMP'],
    ],
  },
  {
    title: 'a denial wins over every allowance, whichever policy and kind it is in and whatever is more specific',
    manifests: [
      kubernetes('red', '{podSelector: {}, ingress: [{}]}'),
      cilium('red', `{${onServer}, ingress: [{fromEndpoints: [{matchLabels: {app: client}}], toPorts: [${web}]}]}`),
      clusterwide(`{endpointSelector: {}, ingressDeny: [{fromEndpoints: [{matchLabels: {tier: front}}]}]}`),
      kubernetes('blue', '{podSelector: {}, policyTypes: [Egress], egress: [{}]}'),
      kubernetes('blue', '{podSelector: {}, ingress: [{}]}', 'in'),
      cilium('blue', `{${onClient}, egressDeny: [{toPorts: [{ports: [{port: web}]}]}]}`),
    ],
    passes: [
      ['blue/client', 'red/server', 'TCP:9090'],
      ['world', 'red/server', 'TCP:8080'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'blue/server', 'TCP:8081'],
    ],
    reasons: [
      {
        line: ['red/client', 'red/server', 'TCP:8080'],
        reason: 'Policy denied by denylist',
        cause: 'CiliumClusterwideNetworkPolicy p spec.ingressDeny[0]',
      },
    ],
  },
  {
    title: 'what all policies allow is allowed: NetworkPolicy, CiliumNetworkPolicy and specs of one add up',
    manifests: [
      kubernetes(
        'red',
        '{podSelector: {matchLabels: {app: server}}, ingress: [{from: [{podSelector: {matchLabels: {app: client}}}]}]}',
      ),
      `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p, namespace: red}
specs:
- {${onServer}, ingress: [{fromEntities: [world], toPorts: [${web}]}]}
- {${onServer}, ingress: [{toPorts: [{ports: [{port: "9090", protocol: ANY}]}]}]}`,
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['world', 'red/server', 'TCP:8080'],
      ['blue/client', 'red/server', 'TCP:9090'],
    ],
    fails: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['world', 'red/server', 'UDP:5353'],
    ],
    reasons: [
      { line: ['blue/client', 'red/server', 'TCP:8080'], reason: 'Policy denied', cause: 'NetworkPolicy red/p' },
    ],
  },
  {
    title: 'the node reaches its pods at the lowest precedence: an explicit denial wins',
    manifests: [
      cilium('red', `{${onServer}, ingress: [{}]}`),
      cilium('blue', `{${onServer}, ingressDeny: [{fromEntities: [host]}]}`),
    ],
    passes: [['host', 'red/server', 'TCP:8080']],
    fails: [['host', 'blue/server', 'TCP:8081']],
  },
  {
    title: 'ports: ANY is TCP and UDP, port 0 is all, endPort makes a range; none of them is ICMP',
    manifests: [
      cilium('red', `{${onServer}, ingress: [{toPorts: [{ports: [{port: "8000", endPort: 8080}, {port: "5353"}]}]}]}`),
      cilium('blue', `{${onServer}, ingress: [{toPorts: [{ports: [{port: "0", protocol: UDP}]}]}]}`),
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'UDP:5353'],
      ['red/client', 'blue/server', 'UDP:5353'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:9090'],
      ['red/client', 'red/server', 'ICMP'],
      ['red/client', 'blue/server', 'TCP:8081'],
    ],
  },
  {
    title: 'a named port is resolved on the destination, in each protocol that it is meant in',
    manifests: [
      cilium('red', `{${onClient}, egress: [{toPorts: [{ports: [{port: web, protocol: TCP}, {port: names}]}]}]}`),
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'blue/server', 'TCP:8081'],
      ['red/client', 'blue/server', 'UDP:5353'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:9090'],
      ['red/client', 'world', 'TCP:443'],
    ],
  },
  {
    title: 'policy sees the backend: the target port is meant, never the service’s own',
    manifests: [
      service('red', 'web', '{selector: {app: server}, ports: [{port: 80, targetPort: 8080}]}'),
      service('blue', 'web', '{selector: {app: server}, ports: [{port: 8081, targetPort: 9090}]}'),
      clusterwide(`{${onServer}, ingress: [{toPorts: [{ports: [{port: "80"}, {port: "9090"}]}]}]}`),
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:9090'],
      ['red/client', 'blue/server', 'TCP:9090'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'blue/server', 'TCP:8081'],
    ],
  },
  {
    title: 'icmps are types of one family, and no ports',
    manifests: [
      cilium(
        'red',
        `{${onServer}, ingress: [{icmps: [{fields: [{type: EchoRequest}, {family: IPv6, type: EchoRequest}]}]}]}`,
      ),
      cilium('blue', `{${onServer}, ingress: [{icmps: [{fields: [{type: 3}, {family: IPv6, type: 129}]}]}]}`),
    ],
    passes: [['blue/client', 'red/server', 'ICMP']],
    fails: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'blue/server', 'ICMP'],
    ],
  },
  {
    title: 'an ICMP type of IPv4 says nothing of IPv6',
    manifests: [cilium('red', `{${onServer}, ingress: [{icmps: [{fields: [{family: IPv4, type: 8}]}]}]}`)],
    fails: [['blue/client', 'red/server', 'ICMP']],
    families: [6],
  },
  {
    title: 'what only a proxy could pass is denied with a reason of its own',
    manifests: [
      cilium(
        'red',
        `{${onServer}, ingress: [{fromEndpoints: [{}], toPorts: [
          {ports: [{port: "8080", protocol: TCP}], rules: {http: [{method: GET}]}}, {ports: [{port: "9090"}]}]}]}`,
      ),
      cilium('blue', `{${onServer}, ingress: [{fromEndpoints: [{}], authentication: {mode: required}}]}`),
    ],
    passes: [['red/client', 'red/server', 'TCP:9090']],
    fails: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'blue/server', 'TCP:8081'],
    ],
    reasons: [
      { line: ['red/client', 'red/server', 'TCP:8080'], reason: proxied, cause: 'red/p spec.ingress[0].toPorts[0]' },
      {
        line: ['blue/client', 'blue/server', 'TCP:8081'],
        reason: proxied,
        cause: 'CiliumNetworkPolicy blue/p spec.ingress[0]',
      },
      { line: ['blue/client', 'red/server', 'TCP:8080'], reason: 'Policy denied', cause: 'CiliumNetworkPolicy red/p' },
    ],
  },
  {
    title: 'an allowance of the same peer and port that asks nothing of the traffic makes L7 rules a wildcard',
    manifests: [
      cilium(
        'red',
        `{${onServer}, ingress: [
          {fromEndpoints: [{}], toPorts: [{ports: [{port: "8080", protocol: TCP}], rules: {http: [{method: GET}]}}]}]}`,
      ),
      kubernetes('red', '{podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 8080}]}]}'),
    ],
    passes: [['red/client', 'red/server', 'TCP:8080']],
    fails: [['blue/client', 'red/server', 'TCP:8080']],
  },
  {
    title: 'a denial reaches what a proxy would look at, too',
    manifests: [
      cilium(
        'red',
        `{${onServer}, ingress: [
          {fromEndpoints: [{}], toPorts: [{ports: [{port: "8080", protocol: TCP}], rules: {http: [{}]}}]}],
          ingressDeny: [{fromEndpoints: [{}]}]}`,
      ),
    ],
    reasons: [
      {
        line: ['red/client', 'red/server', 'TCP:8080'],
        reason: 'Policy denied by denylist',
        cause: 'CiliumNetworkPolicy red/p spec.ingressDeny[0]',
      },
    ],
  },
  {
    title: 'replies of an allowed connection pass whatever is denied in the other direction',
    manifests: [cilium('red', `{${onServer}, egressDeny: [{toEntities: [all]}]}`)],
    passes: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'red/server', 'UDP:5353'],
      ['red/server', 'red/server', 'TCP:8080'],
    ],
    fails: [['red/server', 'blue/server', 'TCP:8081']],
  },
]
