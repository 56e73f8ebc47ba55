import { cilium, type DialectCase, kubernetes, tiered } from './dialect-case.js'

const policy = (
  name: string,
  tier: 'Admin' | 'Baseline',
  priority: number,
  rules: string,
  subject = '{namespaces: {}}',
) => tiered(name, `{tier: ${tier}, priority: ${priority}, subject: ${subject}, ${rules}}`)

const everyPod = '{namespaces: {}}'
const clients = '{pods: {podSelector: {matchLabels: {app: client}}}}'
const servers = '{pods: {podSelector: {matchLabels: {app: server}}}}'
const inRed = '{namespaces: {matchLabels: {colour: red}}}'

const denyAll = (tier: 'Admin' | 'Baseline', priority = 9) =>
  policy('deny', tier, priority, `ingress: [{action: Deny, from: [${everyPod}]}]`, servers)

/** What ClusterNetworkPolicy, AdminNetworkPolicy and BaselineAdminNetworkPolicy mean. */
export const tierCases: readonly DialectCase[] = [
  {
    title: 'the Admin tier comes before the namespaced policies, whatever these say',
    manifests: [
      policy(
        'first',
        'Admin',
        1,
        `ingress: [{action: Accept, from: [${inRed}]}, {action: Deny, from: [${everyPod}]}]`,
        servers,
      ),
      kubernetes('red', '{podSelector: {}, ingress: []}'),
      cilium('red', '{endpointSelector: {}, ingressDeny: [{fromEndpoints: [{}]}]}'),
      kubernetes('blue', '{podSelector: {}, ingress: [{}]}'),
    ],
    passes: [['red/client', 'red/server', 'TCP:8080']],
    fails: [
      ['blue/client', 'blue/server', 'TCP:8081'],
      ['red/server', 'red/client', 'ICMP'],
    ],
    reasons: [
      {
        line: ['blue/client', 'blue/server', 'TCP:8081'],
        reason: 'Policy denied by denylist',
        cause: 'ClusterNetworkPolicy first spec.ingress[1]',
      },
    ],
  },
  {
    title: 'whom the Admin tier says nothing of is left to the others; nodes are never its subject',
    manifests: [denyAll('Admin')],
    passes: [
      ['world', 'red/server', 'TCP:8080'],
      ['host', 'red/server', 'TCP:8080'],
      ['red/server', 'red/client', 'ICMP'],
    ],
    fails: [['red/client', 'red/server', 'TCP:8080']],
  },
  {
    title: 'a lower priority comes first, then the order of the rules',
    manifests: [
      denyAll('Admin', 9),
      policy(
        'zz',
        'Admin',
        8,
        `ingress: [{action: Accept, from: [${inRed}], protocols: [{tcp: {destinationPort: {number: 8080}}}]},
          {action: Deny, from: [${inRed}], protocols: [{tcp: {destinationPort: {range: {start: 8000, end: 8999}}}}]},
          {action: Accept, from: [${inRed}]}]`,
        servers,
      ),
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'TCP:9090'],
      ['red/client', 'red/server', 'ICMP'],
    ],
    fails: [
      ['red/client', 'blue/server', 'TCP:8081'],
      ['blue/client', 'red/server', 'TCP:8080'],
    ],
  },
  {
    title: 'Pass goes on to the namespaced policies, and from there to the Baseline tier',
    manifests: [
      policy('pass', 'Admin', 1, `ingress: [{action: Pass, from: [${clients}]}]`, servers),
      denyAll('Admin'),
      policy('base', 'Baseline', 1, `ingress: [{action: Deny, from: [${inRed}]}]`, servers),
      kubernetes('blue', '{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}'),
    ],
    passes: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'blue/server', 'TCP:8081'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'blue/server', 'TCP:8081'],
      ['blue/server', 'red/server', 'TCP:8080'],
    ],
  },
  {
    title: 'the Baseline tier holds only where no policy isolates the pod in that direction',
    manifests: [
      denyAll('Baseline'),
      kubernetes('red', '{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}'),
      kubernetes('blue', '{podSelector: {}, policyTypes: [Egress], egress: [{}]}'),
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['world', 'blue/server', 'TCP:8081'],
    ],
    fails: [
      ['blue/client', 'blue/server', 'TCP:8081'],
      ['blue/client', 'red/server', 'TCP:8080'],
    ],
  },
  {
    title: 'a Cilium policy isolates from the Baseline tier as well, unless it need not isolate',
    manifests: [
      denyAll('Baseline'),
      cilium('red', '{endpointSelector: {}, ingress: [{fromEndpoints: [{}]}]}'),
      cilium('blue', '{endpointSelector: {}, enableDefaultDeny: {ingress: false}, ingress: [{fromEntities: [world]}]}'),
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['world', 'blue/server', 'TCP:8081'],
    ],
    fails: [['blue/client', 'blue/server', 'TCP:8081']],
  },
  {
    title: 'networks match by address, whoever owns it; nodes by their labels',
    manifests: [
      policy(
        'out',
        'Admin',
        1,
        `egress: [{action: Deny, to: [{networks: [10.77.1.2/32, "fd77::1:2/128", 203.0.113.0/24, "2001:db8:77::/48"]}]},
          {action: Deny, to: [{nodes: {matchLabels: {place: there}}}]}]`,
        clients,
      ),
    ],
    passes: [
      ['red/client', 'blue/server', 'TCP:8081'],
      ['red/client', 'office', 'TCP:443'],
      ['red/client', 'host', 'ICMP'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'world', 'TCP:443'],
      ['red/client', 'neighbour', 'TCP:443'],
    ],
  },
  {
    title: 'a named port is that of the destination, in whichever protocol has it',
    manifests: [
      policy(
        'names',
        'Admin',
        1,
        `egress: [{action: Accept, to: [${servers}],
          protocols: [{destinationNamedPort: web}, {destinationNamedPort: names}]}, {action: Deny, to: [${everyPod}]}]`,
        clients,
      ),
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'blue/server', 'TCP:8081'],
      ['red/client', 'blue/server', 'UDP:5353'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:9090'],
      ['red/client', 'blue/server', 'ICMP'],
    ],
  },
  {
    title: 'AdminNetworkPolicy and BaselineAdminNetworkPolicy are the two tiers under their former names',
    manifests: [
      `apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: admin}
spec:
  priority: 1
  subject: {namespaces: {matchLabels: {colour: red}}}
  ingress:
  - {action: Allow, from: [{namespaces: {matchLabels: {team: sea}}}], ports: [{portNumber: {port: 8080}}]}
  - {action: Pass, from: [{namespaces: {matchLabels: {colour: red}}}]}
  - {action: Deny, from: [{namespaces: {}}]}`,
      `apiVersion: policy.networking.k8s.io/v1alpha1
kind: BaselineAdminNetworkPolicy
metadata: {name: default}
spec:
  subject: {namespaces: {}}
  ingress:
  - {action: Allow, from: [{namespaces: {}}], ports: [{portRange: {start: 9000, end: 9100}}]}
  - {action: Deny, from: [{namespaces: {}}]}`,
    ],
    passes: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'TCP:9090'],
      ['blue/client', 'blue/server', 'TCP:9090'],
    ],
    fails: [
      ['blue/client', 'red/server', 'TCP:9090'],
      ['red/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'blue/server', 'TCP:8081'],
    ],
  },
]
