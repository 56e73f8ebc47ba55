import { createRecordCodec } from '@weir/store/log/record.js'
import { shapesOf } from '@weir/store/log/shapes.js'
import { expect } from 'chai'

/** Records as a build of schema version 1 wrote them. */
const records = [
  'AdVybwCUpGtpbmSlc2xpY2WkdGltZaZzb3VyY2W2ZW5kcG9pbnRzbGljZS51cHNlcnRlZNVycACVqW5hbWVzcGFjZaRuYW1lp3NlcnZpY2WpYWRkcmVz' +
    'c2VzpXBvcnRzpHNob3CkZGIteKJkYpKoMTAuMC4wLjGoMTAuMC4wLjKRXKNzcWyjVENQzRU4y0J4vP5WgBAAvW1hbmlmZXN0czovZXRjL3dlaXIvZGIu' +
    'eWFtbDoz',
  'AUywc2VydmljZS51cHNlcnRlZF+kc2hvcKJkYqhOb2RlUG9ydJGpMTAuOTYuMC433gABo2FwcKJkYpFhAKNzcWyjVENQzRU4o3NxbM124MtCeLz+VoAg' +
    'AL5tYW5pZmVzdHM6L2V0Yy93ZWlyL2RiLnlhbWw6MTI=',
  'AUiscG9kLnVwc2VydGVkW6RzaG9wpGRiLTDeAAGjYXBwomRip2RlZmF1bHSibjGRqDEwLjAuMC4xwpFco3NxbKNUQ1DNFTiuU3RhdGVmdWxTZXQvZGLL' +
    'Qni8/laAMACjY25p',
  'AU62bmV0d29ya3BvbGljeS51cHNlcnRlZGIApHNob3ChcJFrAKNhcHCiSW6RomRikadpbmdyZXNzkWMAkWYApHBvZHOQkWkAo1RDUM0VOJDLQni8/laA' +
    'QACheA==',
  'AUHLQni8/laAUAClYWdlbnSwYWdlbnQuY29uZmlndXJlZG0Aom4xp2RlZmF1bHSQ',
  'AUqrcG9kLmRlbGV0ZWSkc2hvcKRkYi0wy0J4vP5WgGAAo2NuaQ==',
  'AUq1ZW5kcG9pbnRzbGljZS5kZWxldGVkpHNob3CkZGIteMtCeLz+VoBwAKF4',
  'AVirdGltZS5wYXNzZWTLQni8/laAgADLQni8/laAgAClY2xvY2s=',
]

const sql = { name: 'sql', protocol: 'TCP', port: 5432 }
const at = (second: number): number => 1_700_000_000_000 + second

/** What they say in the schema of this build. */
const events = [
  {
    kind: 'endpointslice.upserted',
    slice: {
      namespace: 'shop',
      name: 'db-x',
      service: 'db',
      endpoints: ['10.0.0.1', '10.0.0.2'].map(address => ({
        addresses: [address],
        ready: true,
        serving: true,
        terminating: false,
      })),
      ports: [sql],
    },
    time: at(1),
    source: 'manifests:/etc/weir/db.yaml:3',
    seq: 1,
  },
  {
    kind: 'service.upserted',
    service: {
      namespace: 'shop',
      name: 'db',
      type: 'NodePort',
      clusterIps: ['10.96.0.7'],
      selector: { app: 'db' },
      ports: [{ ...sql, targetPort: 'sql', nodePort: 30432 }],
    },
    time: at(2),
    source: 'manifests:/etc/weir/db.yaml:12',
    seq: 2,
  },
  {
    kind: 'pod.upserted',
    pod: {
      namespace: 'shop',
      name: 'db-0',
      labels: { app: 'db' },
      serviceAccount: 'default',
      node: 'n1',
      addresses: ['10.0.0.1'],
      hostNetwork: false,
      ports: [sql],
      workload: 'StatefulSet/db',
    },
    time: at(3),
    source: 'cni',
    seq: 3,
  },
  {
    kind: 'networkpolicy.upserted',
    policy: {
      namespace: 'shop',
      name: 'p',
      podSelector: [{ key: 'app', operator: 'In', values: ['db'] }],
      policyTypes: ['ingress'],
      ingress: [{ peers: [{ kind: 'pods', podSelector: [] }], ports: [{ protocol: 'TCP', port: 5432 }] }],
      egress: [],
    },
    time: at(4),
    source: 'x',
    seq: 4,
  },
  {
    time: at(5),
    source: 'agent',
    kind: 'agent.configured',
    agent: { node: 'n1', cluster: 'default', labelFilter: [] },
    seq: 5,
  },
  { kind: 'pod.deleted', namespace: 'shop', name: 'db-0', time: at(6), source: 'cni', seq: 6 },
  { kind: 'endpointslice.deleted', namespace: 'shop', name: 'db-x', time: at(7), source: 'x', seq: 7 },
  { kind: 'time.passed', until: at(8), time: at(8), source: 'clock', seq: 8 },
]

describe('records of schema version 1', () => {
  it('are read by this build as what they meant', () => {
    const codec = createRecordCodec()
    const read = records.map((text, index) => codec.decode(Buffer.from(text, 'base64'), index + 1))
    expect(read).to.deep.equal(events)
  })

  it('refer to a table that stays as it was', () => {
    const shapes = shapesOf(1)
    expect(shapes).to.have.length(47)
    expect(shapes.slice(0, 2)).to.deep.equal([
      ['kind', 'agent', 'time', 'source'],
      ['time', 'source', 'kind', 'agent'],
    ])
    expect(shapes.at(-1)).to.deep.equal(['kind', 'namespace', 'name'])
    expect(shapesOf(2).slice(0, shapes.length)).to.deep.equal(shapes)
  })

  it('can still be written as they were, for logs that are copied', () => {
    const codec = createRecordCodec()
    for (const text of records) {
      const { version, body } = codec.decodeRaw(Buffer.from(text, 'base64'))
      expect(version).to.equal(1)
      expect(codec.encodeRaw(version, body).toString('base64')).to.equal(text)
    }
  })
})
