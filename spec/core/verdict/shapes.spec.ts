import { type EventBody, type NamedPort, type PodFact, verdicts } from '@weir/core'
import { Identities } from '@weir/core/identity/identities.js'
import { type Workload, Workloads } from '@weir/core/identity/workloads.js'
import { entryOf } from '@weir/core/multimap.js'
import { KeyUse } from '@weir/core/verdict/key-use.js'
import { NodeShapes, namedPorts, Shapes } from '@weir/core/verdict/shapes.js'
import { expect } from 'chai'
import { agent, is, node, noPod, pod, pods, policy, Scene, tcp } from '../log.js'

const { allow } = verdicts
const web = '10.0.0.1'

const scene = (filter: readonly string[], ...bodies: readonly EventBody[]): Scene => {
  const made = new Scene()
  made.apply(agent(filter), pod('a/web', { app: 'web' }, web), ...bodies)
  return made
}

const from = (...peers: readonly ReturnType<typeof pods>[]): EventBody =>
  policy('p', { ingress: [{ peers, ports: [] }] })

const http = (port: number): NamedPort => ({ name: 'http', protocol: 'TCP', port })
const dns: NamedPort = { name: 'dns', protocol: 'UDP', port: 53 }

describe('shapes', () => {
  const acquirer = () => {
    const identities = new Identities({ numbered: () => {}, changed: () => {} })
    const keys = new KeyUse()
    const shapes = new Shapes(new Workloads(identities), keys)
    const identity = identities.acquire(new Map([['app', 'x']]))
    const workloads = new Map<string, Workload>()
    const acquire = (name: string, ports: readonly NamedPort[] = [], labels: Record<string, string> = {}) => {
      const one: PodFact = {
        namespace: 'a',
        name,
        labels,
        serviceAccount: 'default',
        node: 'here',
        addresses: [],
        hostNetwork: false,
        ports,
      }
      const fresh = { key: name, pod: one, identity, dirty: false, settled: false, filteredKeys: [] }
      const workload = entryOf(workloads, name, (): Workload => fresh)
      return shapes.acquire(workload, identity, one, false)
    }
    const withFiltered = (key: string) => [...shapes.withFiltered(key)].map(workload => workload.key)
    const forget = (name: string) => shapes.forget(workloads.get(name)!)
    return { shapes, keys, acquire, withFiltered, forget }
  }

  it('are one for what is alike, until nobody has it any more', () => {
    const { shapes, acquire } = acquirer()
    const first = acquire('one')
    expect(acquire('other')).equals(first)
    shapes.release(first)
    expect(acquire('third')).equals(first)
    shapes.release(first)
    shapes.release(first)
    expect(acquire('fourth')).not.equals(first)
  })

  it('are told apart by the ports that pods name, whichever pod came last', () => {
    const { shapes, acquire } = acquirer()
    const [eighty, ninety] = [acquire('one', [http(80)]), acquire('other', [http(90)])]
    expect(ninety).not.equals(eighty)
    expect(ninety.ports.get('6/http')).equals(90)
    expect(acquire('third', [http(80)])).equals(eighty)
    expect(acquire('fourth', [http(80), dns])).not.equals(eighty)
    expect(acquire('fifth', [dns, http(80)])).equals(acquire('sixth', [http(80), dns]))
    expect(acquire('seventh', [{ ...http(90), protocol: 'UDP' }])).not.equals(ninety)
    const last = acquire('eighth', [http(70)])
    shapes.release(last)
    expect(acquire('ninth', [http(70)])).not.equals(last)
  })

  it('are told apart by name, number and protocol of a port, each alone', () => {
    const { acquire } = acquirer()
    const first = acquire('one', [http(80)])
    for (const other of [{ ...http(80), name: 'web' }, http(81), { ...http(80), protocol: 'UDP' as const }]) {
      expect(acquire('one', [http(80)])).equals(first)
      expect(acquire('other', [other])).not.equals(first)
    }
  })

  it('stay while others of their identity go', () => {
    const { shapes, acquire } = acquirer()
    const [eighty, ninety] = [acquire('one', [http(80)]), acquire('other', [http(90)])]
    shapes.release(ninety)
    expect(acquire('third', [http(80)])).equals(eighty)
    expect(acquire('other', [http(90)])).not.equals(ninety)
  })

  it('have the labels that the filter leaves out only while a selector asks for them', () => {
    const { shapes, keys, acquire } = acquirer()
    const plain = acquire('one', [], { 'job-name': 'x' })
    expect(plain.labels.has('job-name')).equals(false)
    expect(acquire('other', [], { 'job-name': 'y' })).equals(plain)
    keys.acquire([is('job-name', 'x')])
    const asked = acquire('one', [], { 'job-name': 'x', 'controller-uid': 'u' })
    expect([asked.labels.get('job-name'), asked.labels.has('controller-uid')]).deep.equals(['x', false])
    expect(asked.labels.get('app')).equals('x')
    expect(acquire('other', [], { 'job-name': 'y' })).not.equals(asked)
    expect(acquire('third')).equals(plain)
    for (let times = 0; times < 3; times += 1) shapes.release(plain)
    shapes.release(asked)
    expect(acquire('one', [], { 'job-name': 'x' })).not.equals(asked)
  })

  it('have asked labels in whichever order a pod has them', () => {
    const { keys, acquire } = acquirer()
    keys.acquire([is('controller-uid', 'u'), is('job-name', 'x')])
    const first = acquire('one', [], { 'job-name': 'x', 'controller-uid': 'u' })
    expect(acquire('other', [], { 'controller-uid': 'u', 'job-name': 'x' })).equals(first)
  })

  it('know the pods that have a label that the filter leaves out, as they come, change and go', () => {
    const { acquire, withFiltered, forget } = acquirer()
    expect(withFiltered('job-name')).deep.equals([])
    acquire('one', [], { 'job-name': 'x', 'controller-uid': 'u', app: 'x' })
    acquire('other', [], { 'job-name': 'y' })
    expect(withFiltered('job-name')).deep.equals(['one', 'other'])
    expect(withFiltered('controller-uid')).deep.equals(['one'])
    expect(withFiltered('app')).deep.equals([])
    acquire('one', [], { 'job-name': 'x', 'pod-template-hash': 'h' })
    expect(withFiltered('controller-uid')).deep.equals([])
    expect(withFiltered('pod-template-hash')).deep.equals(['one'])
    acquire('other', [], { 'job-name': 'y', 'controller-uid': 'v' })
    expect(withFiltered('controller-uid')).deep.equals(['other'])
    acquire('one', [], { 'job-name': 'x' })
    expect(withFiltered('pod-template-hash')).deep.equals([])
    forget('one')
    expect(withFiltered('job-name')).deep.equals(['other'])
  })

  it('are found by the keys that a pod has now, also when as many as before are others', () => {
    const { acquire, withFiltered } = acquirer()
    acquire('one', [], { 'job-name': 'x' })
    acquire('one', [], { 'controller-uid': 'u' })
    expect([withFiltered('job-name'), withFiltered('controller-uid')]).deep.equals([[], ['one']])
  })

  it('of nodes are one for those with equal labels, until no node has them any more', () => {
    const shapes = new NodeShapes()
    const acquire = (zone: string) => shapes.acquire(new Map([['node:zone', zone]]))
    const first = acquire('x')
    expect(acquire('x')).equals(first)
    expect(acquire('y')).not.equals(first)
    shapes.release(first)
    expect(acquire('x')).equals(first)
    shapes.release(first)
    shapes.release(first)
    expect(acquire('x')).not.equals(first)
  })

  it('of nodes say whether it is this one', () => {
    const labelsOf = (entity: string) => new NodeShapes().acquire(new Map([[entity, '']])).identityLabels
    expect(labelsOf('reserved:host')).deep.equals(['reserved:host'])
    expect(labelsOf('reserved:remote-node')).deep.equals(['reserved:remote-node'])
  })
})

describe('labels that the filter leaves out', () => {
  // Keys and values that come to the same text when they are put one after the other.
  const [one, other] = [{ a: 'bc' }, { ab: 'c' }]

  it('are told apart by key and value all the same', () => {
    const made = scene(
      ['a', 'ab'],
      pod('a/one', one, '10.0.0.2'),
      pod('a/other', other, '10.0.0.3'),
      from(pods(is('a', 'bc')), pods(is('ab', 'x'))),
    )
    expect(made.verdict('10.0.0.2', web)).equals(allow)
    expect(made.verdict('10.0.0.3', web)).not.equals(allow)
  })

  it('are asked about from when a rule names them, and of pods that are there', () => {
    const made = scene(['a', 'ab'], pod('a/one', one, '10.0.0.2'), pod('a/other', other, '10.0.0.3'))
    made.apply(noPod('a/other'))
    made.apply(from(pods(is('a', 'bc')), pods(is('ab', 'c'))))
    expect(made.verdict('10.0.0.2', web)).equals(allow)
    expect(made.engine.tables.addresses.get('10.0.0.3')).equals(undefined)
    made.apply(pod('a/one', {}, '10.0.0.2'))
    expect(made.verdict('10.0.0.2', web)).not.equals(allow)
  })

  it('make one class in whichever order a pod has them', () => {
    const made = scene(
      ['a', 'b'],
      pod('a/one', { a: 'x', b: 'y' }, '10.0.0.2'),
      pod('a/other', { b: 'y', a: 'x' }, '10.0.0.3'),
      from(pods(is('a', 'x'), is('b', 'y'))),
    )
    expect(['10.0.0.2', '10.0.0.3'].map(address => made.verdict(address, web))).deep.equals([allow, allow])
    expect(made.classOf('10.0.0.2')).equals(made.classOf('10.0.0.3'))
  })
})

describe('labels of nodes', () => {
  it('are told apart by key and value', () => {
    const made = scene(
      [],
      node('one', ['192.168.5.1'], { labels: { a: 'bc' } }),
      node('other', ['192.168.5.2'], { labels: { ab: 'c' } }),
      {
        kind: 'ciliumpolicy.upserted',
        policy: {
          kind: 'CiliumNetworkPolicy',
          namespace: 'a',
          name: 'n',
          rules: [
            {
              path: 'spec',
              subject: { kind: 'endpoints', selector: [] },
              enableDefaultDeny: {},
              ingress: [{ path: 'spec.ingress[0]', peers: { kind: 'nodes', selectors: [[is('a', 'bc')]] } }],
            },
          ],
        },
      },
    )
    expect(made.verdict('192.168.5.1', web)).equals(allow)
    expect(made.verdict('192.168.5.2', web)).not.equals(allow)
  })
})

describe('named ports', () => {
  it('are the lowest number that a pod gives a name in a protocol, in whichever order', () => {
    for (const ports of [
      [http(80), http(8080), dns],
      [http(8080), dns, http(80)],
    ])
      expect([...namedPorts({ ports })].sort()).deep.equals([
        ['17/dns', 53],
        ['6/http', 80],
      ])
  })

  it('without a name are none', () => {
    expect([...namedPorts({ ports: [{ name: '', protocol: 'TCP', port: 80 }] })]).deep.equals([])
  })

  it('make one subject in whichever order a pod lists them', () => {
    const made = scene(
      [],
      pod('a/one', { app: 'x' }, '10.0.0.2', { ports: [http(80), dns] }),
      pod('a/other', { app: 'x' }, '10.0.0.3', { ports: [dns, http(80)] }),
      policy('p', { ingress: [{ peers: [], ports: [tcp('http')] }] }),
    )
    expect(made.subjectOf('10.0.0.2')).equals(made.subjectOf('10.0.0.3'))
    expect([80, 81].map(port => made.verdict(web, '10.0.0.3', port) === allow)).deep.equals([true, false])
  })
})
