import type { NetworkPolicyFact } from '@weir/core'
import { policy, type Verb } from './stage.js'

/** Who asks whom for what. */
export type Line = readonly [from: string, to: string, what: `${Verb}` | `${Verb}:${number}`]

/** A line of the meaning of NetworkPolicy, as policies and what becomes of packets under them. */
export interface Case {
  /** What NetworkPolicy says. */
  readonly title: string
  readonly policies: readonly NetworkPolicyFact[]
  readonly passes?: readonly Line[]
  readonly fails?: readonly Line[]
  /** Families to try; both unless the case is about one. */
  readonly families?: readonly (4 | 6)[]
}

const all = { podSelector: {} }
const client = { podSelector: { matchLabels: { app: 'client' } } }
const server = { podSelector: { matchLabels: { app: 'server' } } }
const anyPort = (port: number | string, protocol = 'TCP') => ({ port, protocol })

export const cases: readonly Case[] = [
  {
    title: 'without a policy everything passes',
    policies: [],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'red/server', 'UDP:5353'],
      ['blue/client', 'red/server', 'ICMP'],
      ['world', 'red/server', 'TCP:8080'],
      ['red/client', 'world', 'TCP:443'],
    ],
  },
  {
    title: 'an empty podSelector selects every pod of the namespace and of no other; no rules allow nothing',
    policies: [policy('red', 'p', { ...all, policyTypes: ['Ingress'] })],
    fails: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'UDP:5353'],
      ['red/client', 'red/server', 'ICMP'],
      ['world', 'red/server', 'TCP:8080'],
    ],
    passes: [
      ['red/client', 'blue/server', 'TCP:8081'],
      ['red/server', 'red/server', 'TCP:8080'],
    ],
  },
  {
    title: 'an empty list of ingress rules allows nothing',
    policies: [policy('red', 'p', { ...all, ingress: [] })],
    fails: [['red/client', 'red/server', 'TCP:8080']],
  },
  {
    title: 'an empty ingress rule allows everything, ICMP too',
    policies: [policy('red', 'p', { ...all, ingress: [{}] })],
    passes: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['world', 'red/server', 'TCP:8080'],
      ['blue/client', 'red/server', 'ICMP'],
    ],
  },
  {
    title: 'empty lists of peers and ports mean everybody and everything, in either direction',
    policies: [
      policy('red', 'p', { ...server, ingress: [{ from: [], ports: [] }] }),
      policy('blue', 'p', { ...client, policyTypes: ['Egress'], egress: [{ to: [], ports: [] }] }),
    ],
    passes: [
      ['blue/client', 'red/server', 'TCP:9090'],
      ['world', 'red/server', 'TCP:8080'],
      ['blue/client', 'red/server', 'ICMP'],
      ['blue/client', 'world', 'TCP:443'],
    ],
  },
  {
    title: 'without policyTypes an egress section makes the policy one of both directions',
    policies: [policy('red', 'p', { ...client, egress: [{ ports: [anyPort(8080)] }] })],
    passes: [['red/client', 'red/server', 'TCP:8080']],
    fails: [
      ['red/client', 'red/server', 'TCP:9090'],
      ['red/client', 'world', 'TCP:443'],
      ['blue/client', 'red/client', 'ICMP'],
    ],
  },
  {
    title: 'without policyTypes and egress the policy is one of ingress alone',
    policies: [policy('red', 'p', { ...client })],
    passes: [['red/client', 'red/server', 'TCP:8080']],
    fails: [['blue/client', 'red/client', 'ICMP']],
  },
  {
    title: 'policies add up: what any of them allows passes',
    policies: [
      policy('red', 'none', { ...all }),
      policy('red', 'web', { ...server, ingress: [{ ports: [anyPort(8080)] }] }),
      policy('red', 'admin', { ...server, ingress: [{ from: [client], ports: [anyPort(9090)] }] }),
    ],
    passes: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'TCP:9090'],
    ],
    fails: [
      ['blue/client', 'red/server', 'TCP:9090'],
      ['blue/client', 'red/server', 'UDP:5353'],
    ],
  },
  {
    title: 'a podSelector alone means the policy’s own namespace',
    policies: [policy('red', 'p', { ...server, ingress: [{ from: [client] }] })],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'ICMP'],
    ],
    fails: [['blue/client', 'red/server', 'TCP:8080']],
  },
  {
    title: 'selectors of one peer are ANDed',
    policies: [
      policy('red', 'p', {
        ...server,
        ingress: [
          {
            from: [
              {
                namespaceSelector: { matchLabels: { colour: 'blue' } },
                podSelector: { matchLabels: { tier: 'back' } },
              },
            ],
          },
        ],
      }),
    ],
    passes: [['blue/server', 'red/server', 'TCP:8080']],
    fails: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'TCP:8080'],
    ],
  },
  {
    title: 'two peers are ORed',
    policies: [
      policy('red', 'p', {
        ...server,
        ingress: [
          {
            from: [
              { namespaceSelector: { matchLabels: { colour: 'blue' } } },
              { podSelector: { matchLabels: { tier: 'front' } } },
            ],
          },
        ],
      }),
    ],
    passes: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['blue/server', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'TCP:8080'],
    ],
    fails: [['world', 'red/server', 'TCP:8080']],
  },
  {
    title: 'an empty namespaceSelector means pods of every namespace, and nobody outside',
    policies: [policy('red', 'p', { ...server, ingress: [{ from: [{ namespaceSelector: {} }] }] })],
    passes: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'TCP:8080'],
    ],
    fails: [['world', 'red/server', 'TCP:8080']],
  },
  {
    title: 'a namespace goes by its own name',
    policies: [
      policy('red', 'p', {
        ...server,
        ingress: [{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'blue' } } }] }],
      }),
    ],
    passes: [['blue/client', 'red/server', 'TCP:8080']],
    fails: [['red/client', 'red/server', 'TCP:8080']],
  },
  {
    title: 'NotIn matches where the key is absent',
    policies: [
      policy('red', 'p', {
        ...server,
        ingress: [
          {
            from: [{ namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['sea'] }] } }],
          },
        ],
      }),
    ],
    passes: [['red/client', 'red/server', 'TCP:8080']],
    fails: [['blue/client', 'red/server', 'TCP:8080']],
  },
  {
    title: 'DoesNotExist matches where the key is absent, Exists where it is there',
    policies: [
      policy('red', 'p', {
        ...server,
        ingress: [{ from: [{ podSelector: { matchExpressions: [{ key: 'tier', operator: 'Exists' }] } }] }],
      }),
      policy('blue', 'p', {
        ...server,
        ingress: [
          {
            from: [
              { namespaceSelector: {}, podSelector: { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] } },
            ],
          },
        ],
      }),
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'blue/server', 'TCP:8081'],
    ],
    fails: [['red/client', 'blue/server', 'TCP:8081']],
  },
  {
    title: 'an ipBlock matches by address, whoever owns it, pods included',
    policies: [
      policy('red', 'p', {
        ...server,
        ingress: [{ from: [{ ipBlock: { cidr: '10.77.1.0/24' } }, { ipBlock: { cidr: 'fd77::/64' } }] }],
      }),
    ],
    passes: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'UDP:5353'],
    ],
    fails: [['world', 'red/server', 'TCP:8080']],
  },
  {
    title: 'except is a hole in its own block, no deny',
    policies: [
      policy('red', 'p', {
        ...server,
        ingress: [
          {
            from: [
              { ipBlock: { cidr: '10.77.0.0/16', except: ['10.77.1.3/32'] } },
              { ipBlock: { cidr: 'fd77::/16', except: ['fd77::1:3/128'] } },
            ],
          },
        ],
      }),
      policy('blue', 'p', {
        ...server,
        ingress: [
          {
            from: [
              { ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } },
              { ipBlock: { cidr: '::/0', except: ['fd00::/8'] } },
              client,
            ],
          },
        ],
      }),
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'blue/server', 'TCP:8081'],
      ['world', 'blue/server', 'TCP:8081'],
    ],
    fails: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['red/client', 'blue/server', 'TCP:8081'],
    ],
  },
  {
    title: 'an ipBlock of one family says nothing about the other (IPv4 named)',
    policies: [
      policy('red', 'p', {
        ...client,
        policyTypes: ['Egress'],
        egress: [{ to: [{ ipBlock: { cidr: '203.0.113.0/24' } }] }],
      }),
    ],
    passes: [['red/client', 'world', 'TCP:443']],
    families: [4],
  },
  {
    title: 'an ipBlock of one family says nothing about the other (IPv6 tried)',
    policies: [
      policy('red', 'p', {
        ...client,
        policyTypes: ['Egress'],
        egress: [{ to: [{ ipBlock: { cidr: '203.0.113.0/24' } }] }],
      }),
    ],
    fails: [['red/client', 'world', 'TCP:443']],
    families: [6],
  },
  {
    title: 'a named port is resolved on the destination: one name, two numbers',
    policies: [policy('red', 'p', { ...client, policyTypes: ['Egress'], egress: [{ ports: [anyPort('web')] }] })],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'blue/server', 'TCP:8081'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:9090'],
      ['red/client', 'world', 'TCP:443'],
    ],
  },
  {
    title: 'a named port is of one protocol',
    policies: [
      policy('red', 'p', { ...server, ingress: [{ ports: [anyPort('names')] }, { ports: [anyPort('web')] }] }),
    ],
    passes: [['blue/client', 'red/server', 'TCP:8080']],
    fails: [['blue/client', 'red/server', 'UDP:5353']],
  },
  {
    title: 'endPort makes a range',
    policies: [policy('red', 'p', { ...server, ingress: [{ ports: [{ port: 8000, endPort: 8080 }] }] })],
    passes: [['red/client', 'red/server', 'TCP:8080']],
    fails: [['red/client', 'red/server', 'TCP:9090']],
  },
  {
    title: 'a rule’s protocol is TCP unless it says otherwise, and without a port means all of that protocol',
    policies: [
      policy('red', 'p', { ...server, ingress: [{ ports: [{ port: 5353 }, { port: 8080 }] }] }),
      policy('blue', 'p', { ...server, ingress: [{ ports: [{ protocol: 'UDP' }] }] }),
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'blue/server', 'UDP:5353'],
    ],
    fails: [
      ['red/client', 'red/server', 'UDP:5353'],
      ['red/client', 'blue/server', 'TCP:8081'],
    ],
  },
  {
    title: 'a rule with ports never allows ICMP',
    policies: [
      policy('red', 'p', { ...server, ingress: [{ ports: [{ port: 1, endPort: 65_535 }, { protocol: 'UDP' }] }] }),
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'UDP:5353'],
    ],
    fails: [['red/client', 'red/server', 'ICMP']],
  },
  {
    title: 'both ends must agree',
    policies: [
      policy('red', 'out', { ...client, policyTypes: ['Egress'], egress: [{ ports: [anyPort(9090)] }] }),
      policy('blue', 'in', { ...server, ingress: [{ ports: [anyPort(8081)] }] }),
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:9090'],
      ['blue/client', 'blue/server', 'TCP:8081'],
    ],
    fails: [
      ['red/client', 'blue/server', 'TCP:9090'],
      ['red/client', 'blue/server', 'TCP:8081'],
    ],
  },
  {
    title: 'a pod reaches itself, and the node its pods, whatever isolates them; replies pass',
    policies: [
      policy('red', 'p', { ...all, policyTypes: ['Ingress', 'Egress'] }),
      policy('blue', 'p', { ...all, policyTypes: ['Ingress', 'Egress'] }),
    ],
    passes: [
      ['red/server', 'red/server', 'TCP:8080'],
      ['host', 'red/server', 'TCP:8080'],
      ['host', 'blue/server', 'UDP:5353'],
      ['host', 'red/client', 'ICMP'],
    ],
    fails: [
      ['red/client', 'host', 'ICMP'],
      ['red/client', 'blue/client', 'ICMP'],
    ],
  },
  {
    title: 'replies of an allowed connection pass an egress policy that allows nothing',
    policies: [policy('red', 'p', { ...server, policyTypes: ['Egress'] })],
    passes: [
      ['blue/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'red/server', 'UDP:5353'],
      ['blue/client', 'red/server', 'ICMP'],
    ],
    fails: [['red/server', 'blue/server', 'TCP:8081']],
  },
]
