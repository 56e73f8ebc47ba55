import { networkPolicy as policy, tell, lines } from './linted.js'

const web = 'podSelector: { matchLabels: { app: web } }'
const fromDb = (ports: string, field = 'from') => `
    - ${field}: [{ podSelector: { matchLabels: { app: db } } }]
      ports: ${ports}`
const sound = policy('p', `${web}\ningress:${fromDb('[{ port: 8080 }]')}`)
const ingress = (rules: string, subject = web) => policy('p', `${subject}\ningress:\n${rules}`)
const egress = (rules: string, types = '[Egress]', subject = web) =>
  policy('p', `${subject}\npolicyTypes: ${types}\negress:\n${rules}`)

describe('lint: NetworkPolicy', () => {
  tell([
    {
      title: 'a label that no pod has, and the value that comes nearest',
      kind: 'selects-nothing',
      fires: policy('p', 'podSelector: { matchLabels: { app: wbe } }'),
      says: ['warning NetworkPolicy a/p spec.podSelector: it selects no pod: no pod has app=wbe; there is app=web'],
      silent: sound,
    },
    {
      title: 'pods with the labels in another namespace',
      kind: 'selects-nothing',
      fires: policy('p', 'podSelector: { matchLabels: { app: api } }'),
      says: [
        `warning NetworkPolicy a/p spec.podSelector: it selects no pod: no pod in namespace a has the other
         labels; there are such pods in b: a policy selects in its own namespace`,
      ],
      silent: sound,
    },
    {
      title: 'pods of the host network',
      kind: 'selects-nothing',
      fires: policy('p', 'podSelector: { matchLabels: { app: agent } }'),
      says: [
        `warning NetworkPolicy a/p spec.podSelector: it selects pods of the host network only: they are the
         node, and no policy for pods selects them; a CiliumClusterwideNetworkPolicy with a nodeSelector
         selects nodes`,
      ],
      silent: sound,
    },
    {
      title: 'a key that is misspelt',
      kind: 'peer-matches-nothing',
      fires: ingress('- from: [{ podSelector: { matchLabels: { ap: db } } }]'),
      says: [
        `warning NetworkPolicy a/p spec.ingress[0].from[0]: it means no pod: no pod has ap=db; there is
         app=db, app=web`,
      ],
      silent: sound,
    },
    {
      title: 'pods of another namespace, by labels alone',
      kind: 'peer-matches-nothing',
      fires: ingress('- from: [{ podSelector: { matchLabels: { app: api } } }]'),
      says: [
        `warning NetworkPolicy a/p spec.ingress[0].from[0]: it means no pod: no pod in namespace a has the
         other labels; name the namespace: there are such pods in b`,
      ],
      silent: ingress(
        '- from: [{ namespaceSelector: { matchLabels: { team: y } }, podSelector: { matchLabels: { app: api } } }]',
      ),
    },
    {
      title: 'a namespace by a label that none has',
      kind: 'peer-matches-nothing',
      fires: egress('- to: [{ namespaceSelector: { matchLabels: { team: z } } }]'),
      says: [
        `warning NetworkPolicy a/p spec.egress[0].to[0]: it means no pod: no namespace has team=z; there is
         team=x`,
      ],
      silent: egress('- to: [{ namespaceSelector: { matchLabels: { team: y } } }]'),
    },
    {
      title: 'a namespace by a name that none has',
      kind: 'peer-matches-nothing',
      fires: egress('- to: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: c } } }]'),
      says: [
        `warning NetworkPolicy a/p spec.egress[0].to[0]: it means no pod: no namespace has
         kubernetes.io/metadata.name=c; there is kubernetes.io/metadata.name=a`,
      ],
      silent: egress('- to: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: b } } }]'),
    },
    {
      title: 'labels that exclude each other, in a subject and in a peer',
      kind: 'contradiction',
      fires: ingress(
        `- from: [{ podSelector: { matchLabels: { role: main }, matchExpressions: [{ key: role,
        operator: NotIn, values: [main] }] } }]`,
        'podSelector: { matchLabels: { app: db }, matchExpressions: [{ key: app, operator: DoesNotExist }] }',
      ),
      says: [
        `error NetworkPolicy a/p spec.ingress[0].from[0]: no peer can meet the selector: role must be main
         and must not be main; ask for one of the two only`,
        `error NetworkPolicy a/p spec.podSelector: no pod can meet its selector: app must not exist and must
         be db; ask for one of the two only`,
      ],
      silent: ingress(
        `- from: [{ podSelector: { matchLabels: { role: main }, matchExpressions: [{ key: role,
        operator: NotIn, values: [other] }] } }]`,
        'podSelector: { matchLabels: { app: db }, matchExpressions: [{ key: app, operator: Exists }] }',
      ),
    },
    {
      title: 'a list of peers that is empty',
      kind: 'allow-all',
      fires: ingress('- from: []\n  ports: [{ port: 8080 }]'),
      says: [
        `warning NetworkPolicy a/p spec.ingress[0].from: it allows every source on tcp/8080: \`from\` is an
         empty list; name who is meant under \`from\`; who means nobody leaves the rule out`,
      ],
      silent: sound,
    },
    {
      title: 'no list of peers, beside other rules',
      kind: 'allow-all',
      fires: egress(`- {}${fromDb('[{ port: 5432 }]', 'to').replaceAll('\n    ', '\n')}`),
      says: [
        `warning NetworkPolicy a/p spec.egress[0]: it allows every destination on every port: \`to\` is
         absent or empty, and the rules beside it add nothing; name who is meant under \`to\``,
      ],
      silent: egress(fromDb('[{ port: 5432 }]', 'to').replaceAll('\n    ', '\n')),
    },
    {
      title: 'no list of peers, by itself, is how everything is allowed',
      kind: 'allow-all',
      fires: ingress('- {}'),
      says: [
        `info NetworkPolicy a/p spec.ingress[0]: it allows every source on every port: \`from\` is absent or
         empty; name who is meant under \`from\``,
      ],
      silent: policy('p', `${web}\ningress: []`),
    },
    {
      title: 'a list of ports that is empty',
      kind: 'allow-all',
      fires: ingress('- from: [{ podSelector: { matchLabels: { app: db } } }]\n  ports: []'),
      says: [
        `warning NetworkPolicy a/p spec.ingress[0].ports: \`ports\` is an empty list, which is every port of
         every protocol; list the ports, or leave \`ports\` out to say that all are meant`,
      ],
      silent: ingress('- from: [{ podSelector: { matchLabels: { app: db } } }]'),
    },
    {
      title: 'a namespaceSelector that asks for nothing',
      kind: 'every-pod',
      fires: ingress('- from: [{ namespaceSelector: {} }]'),
      says: [
        `info NetworkPolicy a/p spec.ingress[0].from[0]: an empty selector of namespaces means every pod of
         the cluster; name namespaces if only some are meant`,
      ],
      silent: ingress('- from: [{ namespaceSelector: { matchLabels: { team: y } } }]'),
    },
    {
      title: 'a block of length 0',
      kind: 'every-address',
      fires: egress('- to: [{ ipBlock: { cidr: 0.0.0.0/0 } }]'),
      says: [
        `info NetworkPolicy a/p spec.egress[0].to[0]: 0.0.0.0/0 means every destination of its family, pods
         of the cluster included; leave out blocks that are not meant, by \`except\``,
      ],
      silent: egress('- to: [{ ipBlock: { cidr: 0.0.0.0/0, except: [10.0.0.0/8] } }]'),
    },
    {
      title: 'rules of a direction that policyTypes leaves out',
      kind: 'section-ignored',
      fires: policy('p', `${web}\npolicyTypes: [Ingress]\negress:\n- to: [{ podSelector: {} }]`),
      says: [
        `error NetworkPolicy a/p spec.egress: these rules say nothing: policyTypes leaves Egress out; add
         Egress to policyTypes`,
      ],
      silent: policy('p', lines(`${web}`, 'policyTypes: [Ingress, Egress]', 'egress:', '- to: [{ podSelector: {} }]')),
    },
    {
      title: 'an empty list of egress rules without policyTypes',
      kind: 'section-ignored',
      fires: policy('p', `${web}\negress: []`),
      says: [
        `warning NetworkPolicy a/p spec.egress: an empty list isolates no egress as long as policyTypes is
         absent: the policy isolates ingress only; policyTypes: [Egress] denies all egress`,
      ],
      silent: policy('p', `${web}\npolicyTypes: [Egress]\negress: []`),
    },
    {
      title: 'egress rules without policyTypes isolate ingress too',
      kind: 'isolates-silently',
      fires: policy('p', `${web}\negress:\n- to: [{ podSelector: {} }]`),
      says: [
        `warning NetworkPolicy a/p spec.egress: it denies all ingress of the pods that it selects: Ingress is
         meant whenever policyTypes is absent; policyTypes: [Egress], or [Ingress, Egress] if it is meant`,
      ],
      silent: policy('p', `${web}\npolicyTypes: [Egress]\negress:\n- to: [{ podSelector: {} }]`),
    },
    {
      title: 'two selectors in two items',
      kind: 'peers-ored',
      fires: ingress(
        `- from: [{ namespaceSelector: { matchLabels: { team: y } } },
        { podSelector: { matchLabels: { app: db } } }]`,
      ),
      says: [
        `warning NetworkPolicy a/p spec.ingress[0].from: a namespaceSelector and a podSelector stand in two
         items: either is enough, and the podSelector means this namespace; put both into one item if both
         must hold`,
      ],
      silent: ingress(
        '- from: [{ namespaceSelector: { matchLabels: { team: y } }, podSelector: { matchLabels: { app: db } } }]',
      ),
    },
    {
      title: 'two selectors in two items, the second for all of the own namespace',
      kind: 'peers-ored',
      fires: egress(
        `- to: [{ podSelector: { matchLabels: { app: db } } },
        { namespaceSelector: { matchLabels: { team: y } } }]`,
      ),
      says: [
        `warning NetworkPolicy a/p spec.egress[0].to: a namespaceSelector and a podSelector stand in two
         items: either is enough, and the podSelector means this namespace; put both into one item if both
         must hold`,
      ],
      silent: egress('- to: [{ podSelector: {} }, { namespaceSelector: { matchLabels: { team: y } } }]'),
    },
    {
      title: 'NotIn of a key that pods, and namespaces, lack',
      kind: 'absent-key-matches',
      fires: ingress(
        '- from: [{ namespaceSelector: { matchExpressions: [{ key: tier, operator: NotIn, values: [gold] }] } }]',
        'podSelector: { matchExpressions: [{ key: role, operator: NotIn, values: [other] }] }',
      ),
      says: [
        `info NetworkPolicy a/p spec.ingress[0].from[0]: tier NotIn (gold) means pods of namespaces without
         tier too: a/db, a/web, b/api, b/dns; add tier Exists if they are not meant`,
        `info NetworkPolicy a/p spec.podSelector: role NotIn (other) means pods without role too: a/web; add
         role Exists if they are not meant`,
      ],
      silent: ingress(
        '- from: [{ namespaceSelector: { matchExpressions: [{ key: team, operator: NotIn, values: [z] }] } }]',
        `podSelector: { matchExpressions: [{ key: role, operator: NotIn, values: [other] }, { key: role,
        operator: Exists }] }`,
      ),
    },
  ])
})
