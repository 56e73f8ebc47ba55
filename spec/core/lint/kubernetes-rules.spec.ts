import type { EventBody } from '@weir/core'
import { expect } from 'chai'
import { lines, networkPolicy as policy, reportOf, setting, tell, told } from './linted.js'

const web = 'podSelector: { matchLabels: { app: web } }'
const fromDb = (ports: string, field = 'from') => `
    - ${field}: [{ podSelector: { matchLabels: { app: db } } }]
      ports: ${ports}`
const sound = policy('p', `${web}\ningress:${fromDb('[{ port: 8080 }]')}`)
const ingress = (rules: string, subject = web) => policy('p', `${subject}\ningress:\n${rules}`)
const egress = (rules: string, types = '[Egress]', subject = web) =>
  policy('p', `${subject}\npolicyTypes: ${types}\negress:\n${rules}`)

describe('lint: rules of NetworkPolicy', () => {
  tell([
    {
      title: 'another block around the hole',
      kind: 'except-allowed-elsewhere',
      fires: egress(
        lines(
          '- to: [{ ipBlock: { cidr: 172.16.0.0/12, except: [172.16.5.0/24] } }]',
          '- to: [{ ipBlock: { cidr: 172.16.0.0/16 } }]',
        ),
      ),
      says: [
        `warning NetworkPolicy a/p spec.egress[0]: 172.16.5.0/24 is left out of 172.16.0.0/12, not denied:
         NetworkPolicy a/p spec.egress[1] allows it; leave it out there too, or deny it in a policy that can`,
      ],
      silent: egress(
        lines(
          '- to: [{ ipBlock: { cidr: 172.16.0.0/12, except: [172.16.5.0/24] } }]',
          '- to: [{ ipBlock: { cidr: 172.17.0.0/16 } }]',
        ),
      ),
    },
    {
      title: 'another rule for everybody on one port is a note; pods in the hole by label are meant',
      kind: 'except-allowed-elsewhere',
      fires: egress(
        lines('- to: [{ ipBlock: { cidr: 0.0.0.0/0, except: [10.0.0.0/8] } }]', '- ports: [{ port: 443 }]'),
      ),
      says: [
        `info NetworkPolicy a/p spec.egress[0]: 10.0.0.0/8 is left out of 0.0.0.0/0, not denied:
         NetworkPolicy a/p spec.egress[1] allows it on tcp/443; leave it out there too, or deny it in a
         policy that can`,
      ],
      silent: egress(
        lines(
          '- to: [{ ipBlock: { cidr: 0.0.0.0/0, except: [10.0.0.0/8] } }]',
          '- to: [{ podSelector: { matchLabels: { app: db } } }]',
        ),
      ),
    },
    {
      title: 'a block around addresses of pods',
      kind: 'cidr-means-pods',
      fires: ingress(
        '- from: [{ ipBlock: { cidr: 10.0.0.0/31 } }, { ipBlock: { cidr: 10.0.0.2/31, except: [10.0.0.3/32] } }]',
      ),
      says: [
        `info NetworkPolicy a/p spec.ingress[0].from[0]: 10.0.0.0/31 means pods by their address, which may
         change: a/web; select pods by labels`,
        `info NetworkPolicy a/p spec.ingress[0].from[1]: 10.0.0.2/31 means pods by their address, which may
         change: a/db; select pods by labels`,
      ],
      silent: ingress(
        '- from: [{ ipBlock: { cidr: 10.0.1.0/24 } }, { ipBlock: { cidr: 10.0.0.0/24, except: [10.0.0.0/29] } }]',
      ),
    },
    {
      title: 'a name that no subject has, and the one that comes nearest',
      kind: 'named-port-unknown',
      fires: ingress(fromDb('[{ port: htp }]').replaceAll('\n    ', '\n')),
      says: ['warning NetworkPolicy a/p spec.ingress[0]: no destination has a port named htp; there is http'],
      silent: ingress(fromDb('[{ port: http }]').replaceAll('\n    ', '\n')),
    },
    {
      title: 'a name of another protocol',
      kind: 'named-port-unknown',
      fires: ingress(fromDb('[{ port: http, protocol: UDP }]').replaceAll('\n    ', '\n')),
      says: [
        `warning NetworkPolicy a/p spec.ingress[0]: port http of the destinations is of another protocol; ask
         for the protocol that the port has`,
      ],
      silent: ingress(fromDb('[{ port: http, protocol: TCP }]').replaceAll('\n    ', '\n')),
    },
    {
      title: 'a name with two numbers',
      kind: 'named-port-differs',
      fires: egress('- to: [{ namespaceSelector: {} }]\n  ports: [{ port: http }]'),
      says: [
        `info NetworkPolicy a/p spec.egress[0]: port http means 8080 on a/web; 9090 on b/api; each pod’s own
         number counts; list the numbers if one is meant`,
      ],
      silent: egress(lines('- to: [{ namespaceSelector: { matchLabels: { team: y } } }]', '  ports: [{ port: http }]')),
    },
    {
      title: 'the port of a service before the pods, on both sides',
      kind: 'service-port',
      fires: [
        ingress(fromDb(`[{ port: 80 }]`).replaceAll('\n    ', '\n')),
        policy(
          'q',
          lines(
            'podSelector: { matchLabels: { app: db } }',
            'policyTypes: [Egress]',
            'egress:',
            '- to: [{ podSelector: { matchLabels: { app: web } } }]',
            '  ports: [{ port: 80 }]',
          ),
        ),
      ],
      says: [
        `warning NetworkPolicy a/p spec.ingress[0]: 80 is the port of service a/web; policies see its pods'
         own port; port 8080`,
        `warning NetworkPolicy a/q spec.egress[0]: 80 is the port of service a/web; policies see its pods'
         own port; port 8080`,
      ],
      silent: [
        sound,
        policy(
          'q',
          lines(
            'podSelector: { matchLabels: { app: db } }',
            'policyTypes: [Egress]',
            'egress:',
            '- to: [{ podSelector: { matchLabels: { app: web } } }]',
            '  ports: [{ port: 8080 }, { port: 80, protocol: UDP }]',
          ),
        ),
      ],
    },
    {
      title: 'allowed to talk to somebody, and to ask nobody',
      kind: 'no-dns',
      fires: egress(lines('- to: [{ podSelector: { matchLabels: { app: db } } }]', '  ports: [{ port: 5432 }]')),
      says: [
        `info NetworkPolicy a/p spec.policyTypes: a/web can ask nobody for names: no rule allows port 53;
         allow UDP and TCP 53 to the DNS pods, unless it needs no names`,
      ],
      silent: egress(
        lines(
          '- to: [{ podSelector: { matchLabels: { app: db } } }]',
          '  ports: [{ port: 5432 }]',
          '- to: [{ namespaceSelector: {} }]',
          '  ports: [{ port: dns, protocol: UDP }]',
        ),
      ),
    },
    {
      title: 'who may talk to nobody needs no names',
      kind: 'no-dns',
      fires: egress('- to: [{ ipBlock: { cidr: 203.0.113.0/24 } }]\n  ports: [{ port: 443 }]'),
      says: [
        `info NetworkPolicy a/p spec.policyTypes: a/web can ask nobody for names: no rule allows port 53;
         allow UDP and TCP 53 to the DNS pods, unless it needs no names`,
      ],
      silent: policy('p', `${web}\npolicyTypes: [Egress]\negress: []`),
    },
    {
      title: 'the same in other words',
      kind: 'duplicate-policy',
      fires: [
        sound,
        policy(
          'q',
          `podSelector: { matchExpressions: [{ key: app, operator: In,
        values: [web] }] }
policyTypes: [Ingress]
ingress:
- from:
  - namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: a } }
    podSelector: { matchLabels: { app: db } }
  ports: [{ port: 8080, protocol: TCP, endPort: 8080 }]`,
        ),
      ],
      says: ['warning NetworkPolicy a/q: it says the same as NetworkPolicy a/p; one of them is enough'],
      silent: [sound, policy('q', `${web}\ningress:${fromDb('[{ port: 8081 }]')}`)],
    },
    {
      title: 'blocks and ranges in pieces',
      kind: 'duplicate-policy',
      fires: [
        ingress(lines('- from: [{ ipBlock: { cidr: 172.16.0.0/12 } }]', '  ports: [{ port: 80, endPort: 90 }]')),
        policy(
          'q',
          `${web}\ningress:\n- from: [{ ipBlock: { cidr: 172.24.0.0/13 } },
        { ipBlock: { cidr: 172.16.0.0/13 } }]\n  ports: [{ port: 86,
        endPort: 90 }]\n- from: [{ ipBlock: { cidr: 172.16.0.0/12 } }]\n  ports: [{ port: 80, endPort: 88 }]`,
        ),
      ],
      says: ['warning NetworkPolicy a/q: it says the same as NetworkPolicy a/p; one of them is enough'],
      silent: [
        ingress(lines('- from: [{ ipBlock: { cidr: 172.16.0.0/12 } }]', '  ports: [{ port: 80, endPort: 90 }]')),
        policy(
          'q',
          `${web}\ningress:\n- from: [{ ipBlock: { cidr: 172.24.0.0/13 } },
        { ipBlock: { cidr: 172.16.0.0/13 } }]\n  ports: [{ port: 86,
        endPort: 90 }]\n- from: [{ ipBlock: { cidr: 172.16.0.0/13 } }]\n  ports: [{ port: 80, endPort: 88 }]`,
        ),
      ],
    },
  ])

  it('leaves the port of a service alone that its pods listen on too, or that is their own', () => {
    const fromWeb = (port: number) =>
      policy('p', `podSelector: { matchLabels: { app: db } }\ningress: [{ ports: [{ port: ${port} }] }]`)
    const service = (port: number, targetPort: number): EventBody => ({
      kind: 'service.upserted',
      service: {
        namespace: 'a',
        name: 'db',
        type: 'ClusterIP',
        clusterIps: [],
        selector: { app: 'db' },
        ports: [{ name: '', protocol: 'TCP', port, targetPort }],
      },
    })
    const found = (port: number, fact: EventBody): number =>
      told(reportOf(fromWeb(port), [...setting, fact]), 'service-port').length
    expect(found(80, service(80, 5432)), 'the service listens').equals(1)
    expect(found(5432, service(5432, 9999)), 'the pod does too').equals(0)
    expect(found(6000, service(6000, 6000)), 'it is one port').equals(0)
  })
})
