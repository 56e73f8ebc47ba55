import { parseNamespace } from '@weir/core/input/namespace.js'
import { parseNode } from '@weir/core/input/node.js'
import { parsePod } from '@weir/core/input/pod.js'
import { parseService } from '@weir/core/input/service.js'
import {
  parseDaemonSet,
  parseDeployment,
  parseJob,
  parseReplicationController,
  parseStatefulSet,
} from '@weir/core/input/workload.js'
import { expect } from 'chai'
import { problemsOf, understood } from './read.js'

const metadata = { name: 'web' }
const pod = (spec: object, status?: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { ...metadata, labels: { app: 'web' } },
  spec: { containers: [{ name: 'c' }], ...spec },
  ...(status === undefined ? {} : { status }),
})
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c' }] } }
const selector = { matchLabels: { app: 'web' } }
const apps = (kind: string, spec: object) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata,
  spec: { selector, template, ...spec },
})
const service = (spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata, spec })

describe('input: Pod', () => {
  it('reads what the network needs, with defaults', () => {
    expect(understood(parsePod(pod({})))).to.deep.equal({
      namespace: 'default',
      name: 'web',
      labels: { app: 'web' },
      serviceAccount: 'default',
      node: '',
      addresses: [],
      hostNetwork: false,
      ports: [],
    })
  })
  it('takes the ports of containers and sidecars, not those of other init containers, sorted', () => {
    const spec = {
      containers: [
        { name: 'a', ports: [{ containerPort: 90 }, { containerPort: 53, protocol: 'UDP', name: 'dns' }] },
        { name: 'b', ports: [{ containerPort: 80, name: 'http' }, { containerPort: 90 }] },
      ],
      initContainers: [
        { name: 'i', ports: [{ containerPort: 1 }] },
        { name: 's', restartPolicy: 'Always', ports: [{ containerPort: 2 }] },
      ],
    }
    expect(understood(parsePod(pod(spec))).ports).to.deep.equal([
      { protocol: 'TCP', port: 2, name: '' },
      { protocol: 'TCP', port: 80, name: 'http' },
      { protocol: 'TCP', port: 90, name: '' },
      { protocol: 'UDP', port: 53, name: 'dns' },
    ])
  })
  it('writes addresses canonically, IPv4 first, and frees those of a pod that has ended', () => {
    const status = { podIP: 'FD00:0::1', podIPs: [{ ip: 'fd00::1' }, { ip: '10.0.0.9' }] }
    expect(understood(parsePod(pod({}, status))).addresses).to.deep.equal(['10.0.0.9', 'fd00::1'])
    for (const phase of ['Succeeded', 'Failed'])
      expect(understood(parsePod(pod({}, { ...status, phase }))).addresses).to.deep.equal([])
  })
  it('prefers serviceAccountName to its old name', () => {
    const account = (spec: object) => understood(parsePod(pod(spec))).serviceAccount
    expect(account({ serviceAccount: 'old' })).to.equal('old')
    expect(account({ serviceAccount: 'old', serviceAccountName: 'new' })).to.equal('new')
  })
  it('refuses misspelt fields, wrong types, and repeated port names of a container', () => {
    const ports = [
      { containerPort: 1, name: 'x' },
      { containerPort: 2, name: 'x' },
    ]
    const found = problemsOf(parsePod(pod({ hostNetwok: true, hostNetwork: 'true', containers: [{ ports }] })))
    expect(found['spec.hostNetwok']?.expected).to.equal('hostNetwork')
    expect(found['spec.hostNetwork']?.expected).to.equal('without quotes: true')
    expect(found).to.include.keys('spec.containers[0].ports[1].name')
    expect(problemsOf(parsePod(pod({ containers: [] })))).to.have.key('spec.containers')
  })
  it('refuses a generated name, which would differ at every reading', () => {
    const generated = { ...pod({}), metadata: { generateName: 'web-' } }
    expect(problemsOf(parsePod(generated))).to.have.key('metadata.generateName')
  })
})

describe('input: workloads', () => {
  const names = (pods: readonly { name: string }[]) => pods.map(({ name }) => name)
  it('makes as many pods as replicas, one by default, none for 0', () => {
    const pods = (spec: object) => understood(parseDeployment(apps('Deployment', spec)))
    expect(names(pods({}))).to.deep.equal(['web-0'])
    expect(names(pods({ replicas: 3 }))).to.deep.equal(['web-0', 'web-1', 'web-2'])
    expect(pods({ replicas: 0 })).to.deep.equal([])
    expect(pods({})[0]).to.deep.include({ workload: 'Deployment/web', labels: { app: 'web' }, addresses: [] })
  })
  it('numbers a StatefulSet from its first ordinal, with the labels of its controller', () => {
    const pods = understood(parseStatefulSet(apps('StatefulSet', { replicas: 2, ordinals: { start: 5 } })))
    expect(names(pods)).to.deep.equal(['web-5', 'web-6'])
    expect(pods[1]?.labels).to.deep.equal({
      app: 'web',
      'apps.kubernetes.io/pod-index': '6',
      'statefulset.kubernetes.io/pod-name': 'web-6',
    })
  })
  it('makes one pod of a DaemonSet and of a ReplicationController', () => {
    expect(names(understood(parseDaemonSet(apps('DaemonSet', {}))))).to.deep.equal(['web-0'])
    const controller = { apiVersion: 'v1', kind: 'ReplicationController', metadata, spec: { template } }
    expect(names(understood(parseReplicationController(controller)))).to.deep.equal(['web-0'])
  })
  it('runs as many pods of a Job as may run beside each other', () => {
    const pods = (spec: object) =>
      understood(parseJob({ apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { template, ...spec } })).length
    expect([pods({}), pods({ parallelism: 3 }), pods({ parallelism: 3, completions: 2 })]).to.deep.equal([1, 3, 2])
    expect(pods({ suspend: true })).to.equal(0)
  })
  it('keeps the names of pods within 253 characters', () => {
    const long = { ...apps('Deployment', { replicas: 11 }), metadata: { name: 'a'.repeat(253) } }
    expect(names(understood(parseDeployment(long))).map(name => name.length)).to.deep.equal(Array(11).fill(253))
  })
  it('refuses absurd replicas, and a selector that is empty or misses the template', () => {
    expect(problemsOf(parseDeployment(apps('Deployment', { replicas: 1e9 })))).to.have.key('spec.replicas')
    expect(problemsOf(parseDeployment(apps('Deployment', { replicas: '3' })))['spec.replicas']?.expected).to.equal(
      'without quotes: 3',
    )
    expect(problemsOf(parseDeployment(apps('Deployment', { selector: {} })))).to.have.key('spec.selector')
    const other = apps('Deployment', { selector: { matchLabels: { app: 'api' } } })
    expect(problemsOf(parseDeployment(other))).to.have.key('spec.template.metadata.labels')
    const unknown = apps('Deployment', { replica: 2 })
    expect(problemsOf(parseDeployment(unknown))['spec.replica']?.expected).to.equal('replicas')
  })
})

describe('input: Service, Namespace, Node', () => {
  it('reads a service with defaults, ports sorted', () => {
    const ports = [
      { name: 'b', port: 443, targetPort: 'https', nodePort: 30443 },
      { name: 'a', port: 80 },
    ]
    const spec = { type: 'NodePort', selector: { app: 'web' }, clusterIPs: ['fd00::A', '10.0.0.1'], ports }
    expect(understood(parseService(service(spec)))).to.deep.equal({
      namespace: 'default',
      name: 'web',
      type: 'NodePort',
      clusterIps: ['10.0.0.1', 'fd00::a'],
      selector: { app: 'web' },
      ports: [
        { name: 'a', protocol: 'TCP', port: 80, targetPort: 80 },
        { name: 'b', protocol: 'TCP', port: 443, targetPort: 'https', nodePort: 30443 },
      ],
    })
  })
  it('tells a headless service from one without an address yet', () => {
    expect(understood(parseService(service({ clusterIP: 'None' }))).clusterIps).to.deep.equal(['None'])
    expect(understood(parseService(service({ ports: [{ port: 80 }] }))).clusterIps).to.deep.equal([])
  })
  for (const [title, spec, path] of [
    ['no port', {}, 'spec.ports'],
    ['two ports without names', { ports: [{ port: 1 }, { port: 2 }] }, 'spec.ports[0].name'],
    [
      'one name twice',
      {
        ports: [
          { name: 'a', port: 1 },
          { name: 'a', port: 2 },
        ],
      },
      'spec.ports[1].name',
    ],
    [
      'one port twice',
      {
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 1 },
        ],
      },
      'spec.ports[1].port',
    ],
    [
      'a node port outside the range',
      { type: 'NodePort', ports: [{ port: 1, nodePort: 80 }] },
      'spec.ports[0].nodePort',
    ],
    ['a node port of a ClusterIP', { ports: [{ port: 1, nodePort: 30080 }] }, 'spec.ports[0].nodePort'],
    ['an unknown type', { type: 'clusterIP', ports: [{ port: 1 }] }, 'spec.type'],
    ['None beside an address', { clusterIPs: ['None', '10.0.0.1'] }, 'spec.clusterIPs'],
    ['no name to stand for', { type: 'ExternalName' }, 'spec.externalName'],
  ] as const)
    it(`refuses a service with ${title}`, () => expect(problemsOf(parseService(service(spec)))).to.have.key(path))

  it('gives a namespace the label that names it', () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { team: 'a' } } }
    const labels = { 'kubernetes.io/metadata.name': 'shop', team: 'a' }
    expect(understood(parseNamespace(namespace))).to.deep.equal({ name: 'shop', labels })
    const inside = { ...namespace, metadata: { name: 'shop', namespace: 'x' } }
    expect(problemsOf(parseNamespace(inside))).to.have.key('metadata.namespace')
  })
  it('reads the addresses of a node, not its host names', () => {
    const addresses = [
      { type: 'Hostname', address: 'n1' },
      { type: 'ExternalIP', address: '192.0.2.1' },
      { type: 'InternalIP', address: '10.0.0.1' },
    ]
    const node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n1' },
      spec: { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24', 'fd00::/64'] },
      status: { addresses, capacity: {} },
    }
    expect(understood(parseNode(node))).to.deep.equal({
      name: 'n1',
      labels: {},
      addresses: ['10.0.0.1', '192.0.2.1'],
      podCidrs: ['10.244.0.0/24', 'fd00::/64'],
    })
  })
})
