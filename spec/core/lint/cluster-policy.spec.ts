import { adminPolicy, baselinePolicy, clusterPolicy, networkPolicy, tell, lines } from './linted.js'

const ofWeb = 'subject: { pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: web } } } }'
const everyPod = 'subject: { namespaces: {} }'
const fromB = 'from: [{ namespaces: { matchLabels: { team: y } } }]'
const admin = (name: string, rules: string, priority = 1, subject = ofWeb) =>
  clusterPolicy(name, `tier: Admin\npriority: ${priority}\n${subject}\n${rules}`)

describe('lint: cluster policies', () => {
  tell([
    {
      title: 'a namespace by a label that none has',
      kind: 'selects-nothing',
      fires: admin(
        'p',
        `ingress: [{ action: Deny, ${fromB} }]`,
        1,
        'subject: { namespaces: { matchLabels: { team: z } } }',
      ),
      says: [
        `warning ClusterNetworkPolicy p spec.subject: it selects no pod: no namespace has team=z; there is
         team=x`,
      ],
      silent: admin('p', `ingress: [{ action: Deny, ${fromB} }]`),
    },
    {
      title: 'in an AdminNetworkPolicy and the baseline',
      kind: 'peer-matches-nothing',
      fires: [
        adminPolicy(
          'p',
          lines(
            'priority: 1',
            `${ofWeb}`,
            'ingress: [{ action: Deny, from: [{ namespaces: { matchLabels: { team: z } } }] }]',
          ),
        ),
        baselinePolicy(
          'default',
          `${ofWeb}\negress: [{ action: Deny, to: [{ pods: { namespaceSelector: {},
        podSelector: { matchLabels: { app: apo } } } }] }]`,
        ),
      ],
      says: [
        `warning AdminNetworkPolicy p spec.ingress[0].from[0]: it means no pod: no namespace has team=z;
         there is team=x`,
        `warning BaselineAdminNetworkPolicy default spec.egress[0].to[0]: it means no pod: no pod has
         app=apo; there is app=api`,
      ],
      silent: [
        adminPolicy('p', `priority: 1\n${ofWeb}\ningress: [{ action: Deny, ${fromB} }]`),
        baselinePolicy(
          'default',
          `${ofWeb}\negress: [{ action: Deny, to: [{ pods: { namespaceSelector: {},
        podSelector: { matchLabels: { app: api } } } }] }]`,
        ),
      ],
    },
    {
      title: 'nodes that are not there',
      kind: 'peer-matches-nothing',
      fires: admin('p', 'egress: [{ action: Deny, to: [{ nodes: { matchLabels: { zone: west } } }] }]'),
      says: [
        `warning ClusterNetworkPolicy p spec.egress[0].to[0]: it means no node: no node has zone=west; there
         is zone=east`,
      ],
      silent: admin('p', 'egress: [{ action: Deny, to: [{ nodes: { matchLabels: { zone: east } } }] }]'),
    },
    {
      title: 'a peer that asks for two values of one label',
      kind: 'contradiction',
      fires: admin(
        'p',
        `ingress: [{ action: Accept, from: [{ namespaces: { matchLabels: { team: y },
        matchExpressions: [{ key: team, operator: In, values: [x] }] } }] }]`,
      ),
      says: [
        `error ClusterNetworkPolicy p spec.ingress[0].from[0]: no peer can meet the selector: team must be x
         and must be y; ask for one of the two only`,
      ],
      silent: admin(
        'p',
        `ingress: [{ action: Accept, from: [{ namespaces: { matchLabels: { team: y },
        matchExpressions: [{ key: team, operator: In, values: [x, y] }] } }] }]`,
      ),
    },
    {
      title: 'every namespace is accepted; to deny it is no accident',
      kind: 'every-pod',
      fires: admin('p', 'ingress: [{ action: Accept, from: [{ namespaces: {} }] }]'),
      says: [
        `info ClusterNetworkPolicy p spec.ingress[0].from[0]: an empty selector of namespaces means every pod
         of the cluster; name namespaces if only some are meant`,
      ],
      silent: admin('p', 'ingress: [{ action: Deny, from: [{ namespaces: {} }] }]'),
    },
    {
      title: 'networks of length 0 are accepted',
      kind: 'every-address',
      fires: admin('p', 'egress: [{ action: Accept, to: [{ networks: [0.0.0.0/0, "::/0"] }] }]'),
      says: [
        `info ClusterNetworkPolicy p spec.egress[0].to[0]: 0.0.0.0/0 means every destination of its family,
         pods of the cluster included; a Deny or Pass of whom is not meant goes before it`,
        `info ClusterNetworkPolicy p spec.egress[0].to[0]: ::/0 means every destination of its family, pods
         of the cluster included; a Deny or Pass of whom is not meant goes before it`,
      ],
      silent: admin('p', 'egress: [{ action: Deny, to: [{ networks: [0.0.0.0/0, "::/0"] }] }]'),
    },
    {
      title: 'networks mean pods too',
      kind: 'cidr-means-pods',
      fires: admin('p', 'egress: [{ action: Deny, to: [{ networks: [10.0.0.0/30] }] }]'),
      says: [
        `info ClusterNetworkPolicy p spec.egress[0].to[0]: 10.0.0.0/30 means pods by their address, which may
         change: a/db, a/web, b/api; select pods by labels`,
      ],
      silent: admin('p', 'egress: [{ action: Deny, to: [{ networks: [10.1.0.0/30] }] }]'),
    },
    {
      title: 'NotIn of a key that namespaces lack',
      kind: 'absent-key-matches',
      fires: admin(
        'p',
        `ingress: [{ action: Deny, ${fromB} }]`,
        1,
        'subject: { namespaces: { matchExpressions: [{ key: tier, operator: NotIn, values: [gold] }] } }',
      ),
      says: [
        `info ClusterNetworkPolicy p spec.subject: tier NotIn (gold) means pods of namespaces without tier
         too: a/db, a/web, b/api, b/dns; add tier Exists if they are not meant`,
      ],
      silent: admin(
        'p',
        `ingress: [{ action: Deny, ${fromB} }]`,
        1,
        'subject: { namespaces: { matchExpressions: [{ key: team, operator: NotIn, values: [y] }] } }',
      ),
    },
    {
      title: 'a name that no destination has',
      kind: 'named-port-unknown',
      fires: admin('p', `ingress: [{ action: Deny, ${fromB}, protocols: [{ destinationNamedPort: htpp }] }]`),
      says: ['warning ClusterNetworkPolicy p spec.ingress[0]: no destination has a port named htpp; there is http'],
      silent: admin('p', `ingress: [{ action: Deny, ${fromB}, protocols: [{ destinationNamedPort: http }] }]`),
    },
    {
      title: 'the port of a service before the pods',
      kind: 'service-port',
      fires: admin(
        'p',
        `ingress: [{ action: Deny, ${fromB}, protocols: [{ tcp: { destinationPort: { number: 80 } } }] }]`,
      ),
      says: [
        `warning ClusterNetworkPolicy p spec.ingress[0]: 80 is the port of service a/web; policies see its
         pods' own port; port 8080`,
      ],
      silent: admin(
        'p',
        `ingress: [{ action: Deny, ${fromB}, protocols: [{ tcp: { destinationPort: { number: 8080 } } }] }]`,
      ),
    },
    {
      title: 'an earlier rule of the policy takes all of it, a pass too',
      kind: 'unreachable-rule',
      fires: admin('p', `ingress: [{ action: Pass, from: [{ namespaces: {} }] }, { action: Deny, ${fromB} }]`),
      says: [
        `warning ClusterNetworkPolicy p spec.ingress[1]: no flow reaches it: ClusterNetworkPolicy p
         spec.ingress[0] decides all that it matches; take it away, or put it before the other by priority or
         place`,
      ],
      silent: admin('p', `ingress: [{ action: Deny, ${fromB} }, { action: Pass, from: [{ namespaces: {} }] }]`),
    },
    {
      title: 'a policy of lower number; one of the same number goes by name',
      kind: 'unreachable-rule',
      fires: [
        admin('q', `ingress: [{ action: Deny, ${fromB} }]`, 2),
        admin('r', `ingress: [{ action: Accept, from: [{ namespaces: {} }] }]`, 2, everyPod),
        admin('s', `ingress: [{ action: Deny, ${fromB} }]`, 2),
      ],
      says: [
        `warning ClusterNetworkPolicy s spec.ingress[0]: no flow reaches it: ClusterNetworkPolicy q
         spec.ingress[0] decides all that it matches; take it away, or put it before the other by priority or
         place`,
      ],
      silent: [
        admin('q', `ingress: [{ action: Deny, ${fromB} }]`, 2),
        admin('r', `ingress: [{ action: Accept, from: [{ namespaces: {} }] }]`, 2, everyPod),
      ],
    },
    {
      title: 'a policy of a namespace decides before the baseline',
      kind: 'unreachable-rule',
      fires: [
        baselinePolicy(
          'default',
          lines(
            'subject: { namespaces: { matchLabels: { kubernetes.io/metadata.name: a } } }',
            `ingress: [{ action: Deny, ${fromB} }]`,
          ),
        ),
        networkPolicy('p', `podSelector: {}`),
      ],
      says: [
        `warning BaselineAdminNetworkPolicy default spec.ingress[0]: no flow reaches it: NetworkPolicy a/p
         spec.policyTypes decides all that it matches; take it away, or put it before the other by priority
         or place`,
      ],
      silent: [
        baselinePolicy(
          'default',
          lines(
            'subject: { namespaces: { matchLabels: { kubernetes.io/metadata.name: a } } }',
            `ingress: [{ action: Deny, ${fromB} }]`,
          ),
        ),
        networkPolicy('p', `podSelector: { matchLabels: { app: db } }`),
      ],
    },
    {
      title: 'what an admin denies no NetworkPolicy allows, unless it passes some of it on',
      kind: 'shadowed-by-deny',
      fires: [
        admin('p', 'ingress: [{ action: Deny, from: [{ namespaces: {} }] }]', 1, everyPod),
        networkPolicy(
          'q',
          lines('podSelector: { matchLabels: { app: web } }', 'ingress: [{ from: [{ podSelector: {} }] }]'),
        ),
      ],
      says: [
        `warning NetworkPolicy a/q spec.ingress[0]: it allows nothing: ClusterNetworkPolicy p spec.ingress[0]
         denies all that it matches; narrow the denial, or take this rule away`,
      ],
      silent: [
        admin(
          'p',
          lines(
            'ingress:',
            '- { action: Pass, from: [{ namespaces: { matchLabels: { team: x } } }] }',
            '- { action: Deny, from: [{ namespaces: {} }] }',
          ),
          1,
          everyPod,
        ),
        networkPolicy(
          'q',
          lines('podSelector: { matchLabels: { app: web } }', 'ingress: [{ from: [{ podSelector: {} }] }]'),
        ),
      ],
    },
    {
      title: 'two that say the same at one priority',
      kind: 'duplicate-policy',
      fires: [
        admin('p', `ingress: [{ action: Deny, ${fromB} }]`),
        admin(
          'q',
          `ingress: [{ action: Deny, from: [{ namespaces: { matchExpressions: [{ key: team, operator: In,
        values: [y] }] } }] }]`,
        ),
      ],
      says: ['warning ClusterNetworkPolicy q: it says the same as ClusterNetworkPolicy p; one of them is enough'],
      silent: [
        admin('p', `ingress: [{ action: Deny, ${fromB} }]`),
        admin('q', `ingress: [{ action: Deny, ${fromB} }]`, 2),
      ],
    },
  ])
})
