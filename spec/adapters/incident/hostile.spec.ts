import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportIncident } from '@weir/adapters/incident/export.js'
import type { EventBody } from '@weir/core'
import { EventLog, folderStorage } from '@weir/store'
import { expect } from 'chai'
import { numbered } from '../../oracle/generate/history.js'
import { pod } from '../agent/cluster.js'
import { listedLog } from './listed-log.js'

/** A cluster whose every name is to stay at home. */
const secretive: readonly EventBody[] = [
  { kind: 'agent.configured', agent: { node: 'frankfurt-3', cluster: 'acme-prod', labelFilter: ['acme.example/*'] } },
  { kind: 'node.upserted', node: node('frankfurt-3', '172.31.7.9') },
  { kind: 'namespace.upserted', namespace: { name: 'payments', labels: { 'acme.example/tier': 'crown-jewels' } } },
  {
    kind: 'pod.upserted',
    pod: pod('ledger-0', '10.88.3.17', {
      ...{ namespace: 'payments', node: 'frankfurt-3', serviceAccount: 'vault-reader', workload: 'StatefulSet/ledger' },
      addresses: ['10.88.3.17', 'fd42:9::17'],
      labels: { 'acme.example/team': 'swordfish', role: 'bookkeeper', 'app.kubernetes.io/name': 'ledgerd' },
      ports: [{ name: 'audit-api', protocol: 'TCP', port: 8443 }],
    }),
  },
  {
    kind: 'pod.upserted',
    pod: pod('clerk-1', '10.88.3.18', {
      ...{ namespace: 'payments', node: 'frankfurt-3', addresses: ['10.88.3.18'], labels: { role: 'clerk' } },
    }),
  },
  {
    kind: 'endpoint.attached',
    endpoint: {
      ...{ namespace: 'payments', pod: 'ledger-0', ifindex: 7, ifname: 'vethledger' },
      ...{ hostMac: 'ae:11:22:33:44:55', podMac: 'ae:11:22:33:44:56' },
    },
  },
  {
    kind: 'ciliumpolicy.upserted',
    policy: {
      ...{ kind: 'CiliumNetworkPolicy', namespace: 'payments', name: 'only-bookkeeping' },
      rules: [
        {
          path: 'spec',
          subject: { kind: 'endpoints', selector: [{ key: 'role', operator: 'In', values: ['bookkeeper', 'clerk'] }] },
          description: 'the auditors asked for this',
          ...{ enableDefaultDeny: {}, logValue: 'sox-404', labels: ['k8s:ticket=SEC-1234'] },
          ingress: [
            {
              path: 'spec.ingress[0]',
              peers: { kind: 'endpoints', selectors: [[{ key: 'role', operator: 'In', values: ['clerk'] }]] },
              ports: [
                {
                  ranges: [],
                  named: [{ name: 'audit-api', protocol: 6 }],
                  serverNames: ['ledger.acme.example'],
                  l7: {
                    kind: 'http',
                    http: [
                      { path: '/journal', method: 'GET', headers: ['X-Acme: yes-sir'], headerMatches: [] },
                      { path: '/accounts/.*', host: 'ledger[.]acme[.]example', headers: [], headerMatches: [] },
                    ],
                  },
                },
              ],
            },
          ],
          egress: [
            { path: 'spec.egress[0]', peers: { kind: 'fqdns', fqdns: [{ pattern: 'api-*.megabank.example' }] } },
            { path: 'spec.egress[1]', peers: { kind: 'cidrs', cidrs: [cidr('198.18.0.0/15', '198.18.7.0/24')] } },
            { path: 'spec.egress[2]', peers: { kind: 'cidrs', cidrs: [cidr('0.0.0.0/0', '169.254.0.0/16')] } },
          ],
        },
      ],
    },
  },
  { kind: 'dns.answered', answer: { name: 'api-7.megabank.example', addresses: ['198.18.4.4'], ttlSeconds: 300 } },
  {
    kind: 'input.refused',
    object: { kind: 'CiliumNetworkPolicy', namespace: 'payments', name: 'only-bookkeeping' },
    problems: [{ path: 'spec.ingress', message: 'no such field: whistleblower', value: '"whistleblower"' }],
  },
  { kind: 'pod.deleted', namespace: 'payments', name: 'clerk-1' },
]

function node(name: string, address: string) {
  const labels = { 'topology.kubernetes.io/zone': 'eu-hidden-1', rack: 'basement-9' }
  return { name, labels, addresses: [address], podCidrs: ['10.88.3.0/24'] }
}

function cidr(block: string, hole: string) {
  return { kind: 'cidr', cidr: block, except: [hole] } as const
}

const secrets = [
  ...['frankfurt', 'acme', 'prod', 'payments', 'crown', 'jewels', 'ledger', 'swordfish', 'bookkeep', 'vault', 'reader'],
  ...[
    'clerk',
    'audit-api',
    '10.88.',
    '198.18.',
    '172.31.',
    'fd42',
    'veth',
    'ae:11',
    'auditors',
    'sox',
    'SEC-',
    'journal',
  ],
  ...[
    'accounts',
    'X-Acme',
    'yes-sir',
    'megabank',
    'api-',
    'whistle',
    'hidden',
    'rack',
    'basement',
    'role',
    'team',
    'GET',
  ],
  ...['StatefulSet/ledger', 'cluster.yaml', '/home/carol', 'carols'],
]

describe('an incident for strangers', function () {
  this.timeout(60_000)
  let folder = ''

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-hostile-spec-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const events = numbered(secretive).map(event => ({
    ...event,
    source: `manifests:/home/carol/cluster.yaml:${event.seq}`,
    by: { manager: 'carols-script', operation: 'Carols', time: event.time },
  }))

  for (const [from, to] of [
    ['payments/clerk-1', 'payments/ledger-0:audit-api'],
    ['role=clerk', 'payments/statefulset/ledger:8443/TCP'],
    ['payments/ledger-0', '198.18.4.4:443'],
    ['10.88.3.18', '10.88.3.17:80'],
    ['payments/ledger-0', '198.18.0.0/15:443'],
    ['host', 'payments/ledger-0:*'],
  ] as const)
    it(`has nothing of the cluster's own in it: ${from} ${to}`, async () => {
      const file = join(folder, `${from}-${to}`.replace(/\W/g, '-'))
      const key = Buffer.alloc(32, 7)
      const incident = { from, to, around: 5, spanMs: 1000 }
      const { origin, pseudonyms } = await exportIncident(listedLog(events), incident, file, { key, shiftsTimes: true })
      const text = await readFile(file, 'utf8')
      for (const secret of secrets) expect(text.toLowerCase(), secret).not.includes(secret.toLowerCase())
      expect(origin.isPseudonymous).equals(true)
      expect(origin.seqs).has.length.above(4)
      expect(text).includes('/0"').includes('169.254.0.0/16')
      expect([...pseudonyms!.unsaid]).has.members(['/accounts/.*', 'ledger[.]acme[.]example', 'api-*.megabank.example'])
      expect(text.includes(String(events[0]!.time))).equals(false)
      const holder = { pid: process.pid, command: 'spec', since: 0 }
      const log = await EventLog.open({ storage: folderStorage({ path: `${file}.log`, holder }) })
      await log.import([text])
      const raw: Buffer[] = []
      for await (const group of log.read()) raw.push(Buffer.from(JSON.stringify(group)))
      await log.close()
      for (const secret of secrets) expect(Buffer.concat(raw).includes(secret), secret).equals(false)
    })

  it('has other words for another key, and the same for the same', async () => {
    const incident = { from: 'payments/clerk-1', to: 'payments/ledger-0:audit-api', around: 5, spanMs: 1000 }
    const textOf = async (name: string, byte: number): Promise<string> => {
      const file = join(folder, name)
      await exportIncident(listedLog(events), incident, file, { key: Buffer.alloc(32, byte), shiftsTimes: false })
      return readFile(file, 'utf8')
    }
    const [one, same, other] = [await textOf('one', 1), await textOf('same', 1), await textOf('other', 2)]
    expect(same).equals(one)
    expect(other).not.equals(one)
  })
})
