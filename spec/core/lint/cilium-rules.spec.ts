import { ccnp, cnp, lines, networkPolicy, tell } from './linted.js'

const web = 'endpointSelector: { matchLabels: { app: web } }'
const everyPod = 'endpointSelector: {}'
const ofWeb = (section: string, entries: string) => cnp('p', `${web}\n${section}:\n${entries}`)
const http = 'toPorts: [{ ports: [{ port: "8080", protocol: TCP }], rules: { http: [{ method: GET }] } }]'
const plain = 'toPorts: [{ ports: [{ port: "8080", protocol: TCP }] }]'
const fromDb = 'fromEndpoints: [{ matchLabels: { app: db } }]'

describe('lint: rules of cilium.io/v2', () => {
  tell([
    {
      title: 'beside other rules, or in a denial, a slip; by itself how a direction is denied',
      kind: 'empty-rule',
      fires: [
        ofWeb('ingress', `- ${fromDb}\n- {}`),
        cnp('q', `${web}\negressDeny: [{}]`),
        cnp('r', `${web}\negress: [{}]`),
        cnp('s', `${web}\nenableDefaultDeny: { egress: false }\negress: [{}]`),
      ],
      says: [
        `warning CiliumNetworkPolicy a/p spec.ingress[1]: an empty rule allows nobody, and its section
         isolates: ingress that nothing else allows is denied; in a NetworkPolicy it would allow everybody;
         fromEntities: [all] means everybody`,
        `warning CiliumNetworkPolicy a/q spec.egressDeny[0]: an empty rule denies nobody, and its section
         isolates: egress that nothing else allows is denied; toEntities: [all] means everybody`,
        `warning CiliumNetworkPolicy a/s spec.egress[0]: an empty rule allows nobody; in a NetworkPolicy it
         would allow everybody; toEntities: [all] means everybody`,
        `info CiliumNetworkPolicy a/r spec.egress[0]: an empty rule allows nobody, and its section isolates:
         egress that nothing else allows is denied; in a NetworkPolicy it would allow everybody; toEntities:
         [all] means everybody`,
      ],
      silent: ofWeb('ingress', `- ${fromDb}\n- fromEntities: [all]\n- ${plain}\n- icmps: [{ fields: [{ type: 8 }] }]`),
    },
    {
      title: 'lists of peers that are empty, of each kind',
      kind: 'nobody',
      fires: [
        ofWeb(
          'ingress',
          lines('- fromEndpoints: []', `  ${plain}`, '- fromCIDR: []', '- fromEntities: []', '- fromNodes: []'),
        ),
        cnp('q', `${web}\negress: [{ toServices: [] }, { toFQDNs: [] }]`),
      ],
      says: [
        `warning CiliumNetworkPolicy a/p spec.ingress[0]: an empty list of peers means nobody at all; leave
         the list out to mean everybody on the ports`,
        `warning CiliumNetworkPolicy a/p spec.ingress[1]: an empty list of peers means nobody at all; leave
         the list out to mean everybody on the ports`,
        `warning CiliumNetworkPolicy a/p spec.ingress[2]: an empty list of peers means nobody at all; leave
         the list out to mean everybody on the ports`,
        `warning CiliumNetworkPolicy a/p spec.ingress[3]: an empty list of peers means nobody at all; leave
         the list out to mean everybody on the ports`,
        `warning CiliumNetworkPolicy a/q spec.egress[0]: an empty list of peers means nobody at all; leave
         the list out to mean everybody on the ports`,
        `warning CiliumNetworkPolicy a/q spec.egress[1]: an empty list of peers means nobody at all; leave
         the list out to mean everybody on the ports`,
      ],
      silent: ofWeb('ingress', `- ${plain}\n- fromEntities: [none]`),
    },
    {
      title: 'a plain allowance of the same peer and port',
      kind: 'l7-widened',
      fires: [
        ofWeb('ingress', `- ${fromDb}\n  ${http}`),
        networkPolicy('q', `podSelector: {}\ningress: [{ from: [{ podSelector: {} }], ports: [{ port: 8080 }] }]`),
      ],
      says: [
        `warning CiliumNetworkPolicy a/p spec.ingress[0].toPorts[0]: of some of its traffic its L7 rules ask
         nothing: NetworkPolicy a/q spec.ingress[0] allows it whatever is in it; narrow the other rule to
         other peers or ports, or give it L7 rules too`,
      ],
      silent: [
        ofWeb(
          'ingress',
          lines(`- ${fromDb}`, `  ${http}`, '- fromEndpoints: [{ matchLabels: { app: web } }]', `  ${plain}`),
        ),
        networkPolicy(
          'q',
          lines('podSelector: {}', 'ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 8081 }] }]'),
        ),
      ],
    },
    {
      title: 'everybody’s L7 rules count though the node reaches its pods',
      kind: 'l7-widened',
      fires: ofWeb('ingress', `- ${http}\n- fromEntities: [host]`),
      says: [
        `warning CiliumNetworkPolicy a/p spec.ingress[0].toPorts[0]: of some of its traffic its L7 rules ask
         nothing: CiliumNetworkPolicy a/p spec.ingress[1] allows it whatever is in it; narrow the other rule
         to other peers or ports, or give it L7 rules too`,
      ],
      silent: ofWeb('ingress', `- ${http}`),
    },
    {
      title: 'beside names, nobody to ask for them',
      kind: 'no-dns',
      fires: ofWeb(
        'egress',
        lines('- toFQDNs: [{ matchName: example.com }]', '  toPorts: [{ ports: [{ port: "443", protocol: TCP }] }]'),
      ),
      says: [
        `info CiliumNetworkPolicy a/p spec.egress: a/web can ask nobody for names: no rule allows port 53;
         allow UDP and TCP 53 to the DNS pods, unless it needs no names`,
      ],
      silent: ofWeb(
        'egress',
        lines(
          '- toFQDNs: [{ matchName: example.com }]',
          '- toEndpoints: [{ matchLabels: { "k8s:io.kubernetes.pod.namespace": b } }]',
          '  toPorts: [{ ports: [{ port: "5353", protocol: ANY }], rules: { dns: [{ matchPattern: "*" }] } }]',
        ),
      ),
    },
    {
      title: 'no rule of the pods looks at DNS',
      kind: 'names-unseen',
      fires: ofWeb(
        'egress',
        `- toFQDNs: [{ matchName: example.com }]\n- toEntities: [all]\n  toPorts: [{ ports: [{ port: "53",
        protocol: ANY }] }]`,
      ),
      says: [
        `warning CiliumNetworkPolicy a/p spec.egress[0].toFQDNs: the names stay without addresses: no rule of
         these pods has rules.dns, so nobody sees the answers; allow port 53 to the DNS pods with rules: dns:
         [matchPattern: "*"]`,
      ],
      silent: [
        ofWeb('egress', `- toFQDNs: [{ matchName: example.com }]`),
        ccnp(
          'q',
          `${everyPod}\negress: [{ toPorts: [{ ports: [{ port: "53", protocol: ANY }],
        rules: { dns: [{ matchPattern: "*" }] } }] }]`,
        ),
      ],
    },
    {
      title: 'all that a rule allows is denied, in another dialect too',
      kind: 'shadowed-by-deny',
      fires: [
        ofWeb('ingress', `- ${fromDb}\n  ${plain}`),
        networkPolicy(
          'q',
          lines(
            'podSelector: { matchLabels: { app: web } }',
            'ingress: [{ from: [{ podSelector: { matchLabels: { app: db, role: main } } }] }]',
          ),
        ),
        ccnp('r', `${everyPod}\ningressDeny: [{ ${fromDb} }]`),
      ],
      says: [
        `warning CiliumNetworkPolicy a/p spec.ingress[0]: it allows nothing: CiliumClusterwideNetworkPolicy r
         spec.ingressDeny[0] denies all that it matches; narrow the denial, or take this rule away`,
        `warning NetworkPolicy a/q spec.ingress[0]: it allows nothing: CiliumClusterwideNetworkPolicy r
         spec.ingressDeny[0] denies all that it matches; narrow the denial, or take this rule away`,
      ],
      silent: [
        ofWeb('ingress', `- ${fromDb}\n  ${plain}`),
        ccnp('r', `${everyPod}\ningressDeny: [{ fromEndpoints: [{ matchLabels: { app: db, role: main } }] }]`),
      ],
    },
    {
      title: 'by several denials together',
      kind: 'shadowed-by-deny',
      fires: [
        ofWeb('egress', '- toCIDR: [172.16.0.0/12]'),
        cnp('q', `${web}\negressDeny: [{ toCIDR: [172.16.0.0/13] }, { toCIDR: [172.24.0.0/13] }]`),
      ],
      says: [
        `warning CiliumNetworkPolicy a/p spec.egress[0]: it allows nothing: CiliumNetworkPolicy a/q
         spec.egressDeny[0], CiliumNetworkPolicy a/q spec.egressDeny[1] deny all that it matches; narrow the
         denial, or take this rule away`,
      ],
      silent: [
        ofWeb('egress', '- toCIDR: [172.16.0.0/12]'),
        cnp('q', `${web}\negressDeny: [{ toCIDR: [172.16.0.0/13] }, { toCIDR: [172.24.0.0/14] }]`),
      ],
    },
    {
      title: 'L7 rules for the node alone, which reaches its pods anyway',
      kind: 'unreachable-rule',
      fires: ofWeb('ingress', `- fromEntities: [host]\n  ${http}`),
      says: [
        `warning CiliumNetworkPolicy a/p spec.ingress[0].toPorts[0]: no flow reaches it: built-in: node
         reaches its pods decides all that it matches; take it away, or narrow the other`,
      ],
      silent: ofWeb('ingress', `- fromEntities: [remote-node]\n  ${http}`),
    },
    {
      title: 'the same as a policy of another kind',
      kind: 'duplicate-policy',
      fires: [
        ofWeb('ingress', `- ${fromDb}\n  ${plain}`),
        networkPolicy(
          'q',
          lines(
            'podSelector: { matchLabels: { app: web } }',
            'ingress: [{ from: [{ podSelector: { matchLabels: { app: db } } }], ports: [{ port: 8080 }] }]',
          ),
        ),
      ],
      says: ['warning NetworkPolicy a/q: it says the same as CiliumNetworkPolicy a/p; one of them is enough'],
      silent: [
        ofWeb('ingress', `- ${fromDb}\n  ${http}`),
        networkPolicy(
          'q',
          lines(
            'podSelector: { matchLabels: { app: web } }',
            'ingress: [{ from: [{ podSelector: { matchLabels: { app: db } } }], ports: [{ port: 8080 }] }]',
          ),
        ),
      ],
    },
    {
      title: 'one isolates and the other does not',
      kind: 'duplicate-policy',
      fires: [
        ofWeb('ingress', `- ${fromDb}`),
        cnp('q', `${web}\nenableDefaultDeny: { ingress: true }\ningress:\n- ${fromDb}`),
      ],
      says: ['warning CiliumNetworkPolicy a/q: it says the same as CiliumNetworkPolicy a/p; one of them is enough'],
      silent: [
        ofWeb('ingress', `- ${fromDb}`),
        cnp('q', `${web}\nenableDefaultDeny: { ingress: false }\ningress:\n- ${fromDb}`),
      ],
    },
  ])
})
