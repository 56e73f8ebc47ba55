import { expect } from 'chai'
import { node } from '../log.js'
import { ccnp, cnp, lines, reportOf, setting, tell, told } from './linted.js'

const web = 'endpointSelector: { matchLabels: { app: web } }'
const ofWeb = (section: string, entries: string) => cnp('p', `${web}\n${section}:\n${entries}`)
const plain = 'toPorts: [{ ports: [{ port: "8080", protocol: TCP }] }]'
const fromDb = 'fromEndpoints: [{ matchLabels: { app: db } }]'

describe('lint: policies of cilium.io/v2', () => {
  it('takes a block for pods or for none of them, never both', () => {
    expect(told(reportOf(ofWeb('egress', '- toCIDR: [10.0.0.0/24]')), 'cidr-means-pods')).deep.equals([])
  })

  tell([
    {
      title: 'one of several specs',
      kind: 'selects-nothing',
      fires: cnp('p', '').replace(
        /spec:\n.*\n/,
        lines(
          'specs:',
          `- ${web}`,
          `  ingress: [{ ${fromDb} }]`,
          '- endpointSelector: { matchLabels: { app: wbe } }',
          `  ingress: [{ ${fromDb} }]`,
        ),
      ),
      says: [
        `warning CiliumNetworkPolicy a/p specs[1].endpointSelector: it selects no pod: no pod has app=wbe;
         there is app=web`,
      ],
      silent: ofWeb('ingress', `- ${fromDb}`),
    },
    {
      title: 'a label of nodes',
      kind: 'selects-nothing',
      fires: ccnp('p', lines('nodeSelector: { matchLabels: { zone: est } }', 'ingress: [{ fromEntities: [cluster] }]')),
      says: [
        `warning CiliumClusterwideNetworkPolicy p spec.nodeSelector: it selects no node: no node has
         zone=est; there is zone=east`,
      ],
      silent: ccnp(
        'p',
        lines('nodeSelector: { matchLabels: { zone: east } }', 'ingress: [{ fromEntities: [cluster] }]'),
      ),
    },
    {
      title: 'a reserved label, which no pod has',
      kind: 'selects-nothing',
      fires: ccnp(
        'p',
        lines('endpointSelector: { matchLabels: { "reserved:health": "" } }', 'ingress: [{ fromEntities: [host] }]'),
      ),
      says: [
        `warning CiliumClusterwideNetworkPolicy p spec.endpointSelector: it selects no pod: nobody here has a
         label reserved:health`,
      ],
      silent: ccnp('p', `${web}\ningress: [{ fromEntities: [host] }]`),
    },
    {
      title: 'pods of another namespace, in a policy of a namespace',
      kind: 'peer-matches-nothing',
      fires: ofWeb('ingress', '- fromEndpoints: [{ matchLabels: { app: api } }]'),
      says: [
        `warning CiliumNetworkPolicy a/p spec.ingress[0].fromEndpoints[0]: it means no pod: no pod in
         namespace a has the other labels; name the namespace: there are such pods in b`,
      ],
      silent: [
        ofWeb('ingress', `- fromEndpoints: [{ matchLabels: { app: api, "k8s:io.kubernetes.pod.namespace": b } }]`),
        ccnp('q', `${web}\ningress: [{ fromEndpoints: [{ matchLabels: { app: api } }] }]`),
      ],
    },
    {
      title: 'an entity as if it were a label, another cluster, and nodes, services and groups that are not there',
      kind: 'peer-matches-nothing',
      fires: cnp(
        'p',
        `${web}
ingress:
- fromEndpoints: [{ matchLabels: { reserved.world: "" } }]
- fromEndpoints: [{ matchLabels: { io.cilium.k8s.policy.cluster: other } }]
- fromNodes: [{ matchLabels: { zone: west } }]
- fromCIDRSet: [{ cidrGroupRef: partner }]
egress:
- toServices: [{ k8sService: { serviceName: wep, namespace: a } }]`,
      ),
      says: [
        `warning CiliumNetworkPolicy a/p spec.egress[0].toServices: it means nobody: there is no service
         a/wep; there is a/web`,
        `warning CiliumNetworkPolicy a/p spec.ingress[0].fromEndpoints[0]: it means no pod: no pod has a
         label reserved.world; peers that are no pods stand in fromEntities and toEntities: [world]`,
        `warning CiliumNetworkPolicy a/p spec.ingress[1].fromEndpoints[0]: it means no pod: this is cluster
         default, and pods of other aren't known to it`,
        `warning CiliumNetworkPolicy a/p spec.ingress[2].fromNodes[0]: it means no node: no node has
         zone=west; there is zone=east`,
        `warning CiliumNetworkPolicy a/p spec.ingress[3].fromCIDRSet[0]: it means nobody: there is no
         CiliumCIDRGroup partner; there is partners`,
      ],
      silent: cnp(
        'p',
        `${web}
ingress:
- fromEntities: [world]
- fromEndpoints: [{ matchLabels: { io.cilium.k8s.policy.cluster: default } }]
- fromNodes: [{ matchLabels: { zone: east } }]
- fromCIDRSet: [{ cidrGroupRef: partners }]
egress:
- toServices: [{ k8sService: { serviceName: web, namespace: a } }]`,
      ),
      around: [
        ...setting,
        { kind: 'cidrgroup.upserted', group: { name: 'partners', labels: {}, cidrs: ['192.0.2.0/24'] } },
      ],
    },
    {
      title: 'a subject of another namespace than the policy’s own',
      kind: 'contradiction',
      fires: cnp(
        'p',
        lines(
          'endpointSelector: { matchLabels: { "k8s:io.kubernetes.pod.namespace": b } }',
          'ingress: [{ fromEntities: [all] }]',
        ),
      ),
      says: [
        `error CiliumNetworkPolicy a/p spec.endpointSelector: no pod can meet its selector:
         io.kubernetes.pod.namespace must be a and must be b; ask for one of the two only`,
      ],
      silent: cnp(
        'p',
        lines(
          'endpointSelector: { matchLabels: { "k8s:io.kubernetes.pod.namespace": a } }',
          'ingress: [{ fromEntities: [all] }]',
        ),
      ),
    },
    {
      title: 'everybody on a port, by no list of peers',
      kind: 'allow-all',
      fires: ofWeb('ingress', `- ${plain}`),
      says: [
        `info CiliumNetworkPolicy a/p spec.ingress[0]: it allows every source on tcp/8080: no peers are
         named; fromEntities: [all] says so aloud`,
      ],
      silent: ofWeb('ingress', `- fromEntities: [all]\n  ${plain}`),
    },
    {
      title: 'an empty selector of a clusterwide policy',
      kind: 'every-pod',
      fires: ccnp('p', `${web}\negress: [{ toEndpoints: [{}] }]`),
      says: [
        `info CiliumClusterwideNetworkPolicy p spec.egress[0].toEndpoints[0]: an empty selector of a
         clusterwide policy means every pod of the cluster; name namespaces if only some are meant`,
      ],
      silent: cnp('p', `${web}\negress: [{ toEndpoints: [{}] }]`),
    },
    {
      title: 'a block of length 0, which means no pod',
      kind: 'every-address',
      fires: ofWeb('ingress', '- fromCIDR: [0.0.0.0/0]'),
      says: [
        `info CiliumNetworkPolicy a/p spec.ingress[0]: 0.0.0.0/0 means every source of its family outside of
         the cluster, and no pod; world-ipv4 and world-ipv6 are entities for it`,
      ],
      silent: ofWeb('ingress', '- fromEntities: [world]'),
    },
    {
      title: 'NotIn of a key that nodes and pods lack',
      kind: 'absent-key-matches',
      fires: ofWeb(
        'ingress',
        `- fromNodes: [{ matchExpressions: [{ key: pool, operator: NotIn,
        values: [edge] }] }]\n- fromEndpoints: [{ matchExpressions: [{ key: role, operator: NotIn,
        values: [other] }] }]`,
      ),
      says: [
        `info CiliumNetworkPolicy a/p spec.ingress[0].fromNodes[0]: pool NotIn (edge) means nodes without
         pool too: here; add pool Exists if they are not meant`,
        `info CiliumNetworkPolicy a/p spec.ingress[1].fromEndpoints[0]: role NotIn (other) means pods without
         role too: a/web; add role Exists if they are not meant`,
      ],
      silent: ofWeb(
        'ingress',
        `- fromNodes: [{ matchExpressions: [{ key: zone, operator: NotIn,
        values: [west] }] }]\n- fromEndpoints: [{ matchExpressions: [{ key: role, operator: DoesNotExist }] }]`,
      ),
    },
    {
      title: 'another rule of the same pods for the hole; a denial of it makes it one',
      kind: 'except-allowed-elsewhere',
      fires: ofWeb(
        'egress',
        lines('- toCIDRSet: [{ cidr: 172.16.0.0/12, except: [172.16.5.0/24] }]', '- toCIDR: [172.16.5.0/25]'),
      ),
      says: [
        `warning CiliumNetworkPolicy a/p spec.egress[0]: 172.16.5.0/24 is left out of 172.16.0.0/12, not
         denied: CiliumNetworkPolicy a/p spec.egress[1] allows it; leave it out there too, or deny it in a
         policy that can`,
      ],
      silent: [
        ofWeb(
          'egress',
          lines('- toCIDRSet: [{ cidr: 172.16.0.0/12, except: [172.16.5.0/24] }]', '- toCIDR: [172.16.5.0/25]'),
        ),
        cnp('q', `${web}\negressDeny: [{ toCIDR: [172.16.5.0/24] }]`),
      ],
    },
    {
      title: 'a block around pods and nodes, which it does not mean',
      kind: 'cidr-misses-pods',
      fires: ofWeb('egress', '- toCIDR: [10.0.0.0/24]\n- toCIDRSet: [{ cidr: 192.168.0.0/16 }]'),
      says: [
        `warning CiliumNetworkPolicy a/p spec.egress[0]: 10.0.0.0/24 means addresses outside of the cluster
         only, not the pods a/db, a/web, b/api, b/dns in it; select pods by labels, nodes by entities or
         labels`,
        `warning CiliumNetworkPolicy a/p spec.egress[1]: 192.168.0.0/16 means addresses outside of the
         cluster only, not the nodes here in it; select pods by labels, nodes by entities or labels`,
      ],
      silent: ofWeb(
        'egress',
        lines('- toCIDR: [172.16.0.0/12]', '- toCIDRSet: [{ cidr: 192.168.0.0/16, except: [192.168.0.0/24] }]'),
      ),
    },
    {
      title: 'a block that is told to mean pods',
      kind: 'cidr-means-pods',
      fires: ofWeb('egress', '- toCIDR: [10.0.0.0/24]'),
      says: [
        `info CiliumNetworkPolicy a/p spec.egress[0]: 10.0.0.0/24 means pods by their address, which may
         change: a/db, a/web, b/api, b/dns; select pods by labels`,
      ],
      silent: ofWeb('egress', '- toCIDR: [172.16.0.0/12]'),
      around: [
        ...setting,
        {
          kind: 'agent.configured',
          agent: { node: 'here', cluster: 'default', labelFilter: [], cidrMatch: ['nodes', 'pods'] },
        },
      ],
    },
    {
      title: 'a name that no destination has',
      kind: 'named-port-unknown',
      fires: ofWeb(
        'egress',
        `- toEndpoints: [{ matchLabels: { app: db } }]\n  toPorts: [{ ports: [{ port: postgres,
        protocol: TCP }] }]`,
      ),
      says: [
        `warning CiliumNetworkPolicy a/p spec.egress[0]: no destination has a port named postgres; there is
         pg`,
      ],
      silent: ofWeb(
        'egress',
        lines('- toEndpoints: [{ matchLabels: { app: db } }]', '  toPorts: [{ ports: [{ port: pg, protocol: ANY }] }]'),
      ),
    },
    {
      title: 'the port of a service before the pods',
      kind: 'service-port',
      fires: ofWeb('ingress', `- ${fromDb}\n  toPorts: [{ ports: [{ port: "80", protocol: TCP }] }]`),
      says: [
        `warning CiliumNetworkPolicy a/p spec.ingress[0]: 80 is the port of service a/web; policies see its
         pods' own port; port 8080`,
      ],
      silent: ofWeb('ingress', `- ${fromDb}\n  ${plain}`),
    },
    {
      title: 'a label that no node has, among several',
      kind: 'selects-nothing',
      fires: ccnp('p', lines('nodeSelector: { matchLabels: { zone: est } }', 'ingress: [{ fromEntities: [cluster] }]')),
      says: [
        `warning CiliumClusterwideNetworkPolicy p spec.nodeSelector: it selects no node: no node has
         zone=est; there is zone=east`,
      ],
      silent: ccnp('p', 'nodeSelector: {}\ningress: [{ fromEntities: [cluster] }]'),
      around: [...setting, node('there', ['192.168.0.2'], { labels: { zone: 'west' } })],
    },
  ])
})
