import { expect } from 'chai'
import { verdicts, type NetworkPolicyFact, type NetworkPolicyRule } from '@weir/core'
import { agent, ipBlock, is, namespace, node, pod, pods, policy, Scene, tcp } from '../log.js'

const { allow, deny } = verdicts
const web = '10.0.0.1'
const client = '10.0.0.2'
const other = '10.0.0.3'
const far = '10.1.0.1'

/** web, client and other in `a`; far in `b`, labelled team=x; one policy on web. */
function scene(more: Partial<NetworkPolicyFact>): Scene {
  const made = new Scene()
  made.apply(
    agent(),
    node('here', ['192.168.0.1', 'fd00:9::1']),
    node('there', ['192.168.0.2']),
    namespace('b', { team: 'x' }),
    pod('a/web', { app: 'web' }, [web, 'fd00::1'], { ports: [{ name: 'http', protocol: 'TCP', port: 8080 }] }),
    pod('a/client', { app: 'client' }, [client, 'fd00::2']),
    pod('a/other', { app: 'other' }, other, { ports: [{ name: 'http', protocol: 'TCP', port: 9090 }] }),
    pod('b/far', { app: 'client' }, far, { node: 'there', ports: [{ name: 'http', protocol: 'UDP', port: 8080 }] }),
    policy('p', { podSelector: [is('app', 'web')], ...more }),
  )
  return made
}
const ingress = (...rules: readonly Partial<NetworkPolicyRule>[]) =>
  scene({ ingress: rules.map(rule => ({ peers: [], ports: [], ...rule })) })
const egress = (...rules: readonly Partial<NetworkPolicyRule>[]) =>
  scene({ policyTypes: ['egress'], egress: rules.map(rule => ({ peers: [], ports: [], ...rule })) })

describe('NetworkPolicy', () => {
  describe('isolates', () => {
    it('a selected pod in the direction of the policy only', () => {
      const made = scene({})
      expect(made.verdict(client, web)).to.equal(deny)
      expect(made.verdict(web, client)).to.equal(allow)
    })
    it('no pod that it does not select', () => {
      expect(scene({}).verdict(web, other)).to.equal(allow)
    })
    it('every pod of the namespace by an empty selector, and none of others', () => {
      const made = scene({ podSelector: [], policyTypes: ['egress'] })
      expect(made.verdict(client, far)).to.equal(deny)
      expect(made.verdict(other, far)).to.equal(deny)
      expect(made.verdict(far, client)).to.equal(allow)
    })
    it('in no direction that policyTypes leaves out, whatever rules stand there', () => {
      const made = scene({ policyTypes: ['egress'], ingress: [{ peers: [pods(is('app', 'client'))], ports: [] }] })
      expect(made.verdict(other, web)).to.equal(allow)
    })
    it('against the world in both families', () => {
      const made = scene({})
      expect(made.verdict('8.8.8.8', web)).to.equal(deny)
      expect(made.verdict('2001:db8::1', 'fd00::1')).to.equal(deny)
    })
  })

  describe('allows', () => {
    it('everything by an empty rule', () => {
      const made = ingress({})
      for (const from of [client, far, '8.8.8.8', '192.168.0.2']) expect(made.verdict(from, web)).to.equal(allow)
      expect(made.verdict(client, web, 'icmp/2048')).to.equal(allow)
    })
    it('the union of what several policies allow', () => {
      const made = ingress({ peers: [pods(is('app', 'client'))], ports: [] })
      made.apply(
        policy('q', { podSelector: [is('app', 'web')], ingress: [{ peers: [pods(is('app', 'other'))], ports: [] }] }),
      )
      expect(made.verdict(client, web)).to.equal(allow)
      expect(made.verdict(other, web)).to.equal(allow)
      expect(made.verdict('8.8.8.8', web)).to.equal(deny)
    })
    it('pods of its own namespace by podSelector alone', () => {
      const made = ingress({ peers: [pods(is('app', 'client'))] })
      expect(made.verdict(client, web)).to.equal(allow)
      expect(made.verdict(far, web)).to.equal(deny)
      expect(made.verdict(other, web)).to.equal(deny)
    })
    it('all pods of matching namespaces by namespaceSelector alone', () => {
      const made = ingress({ peers: [{ kind: 'pods', namespaceSelector: [is('team', 'x')] }] })
      expect(made.verdict(far, web)).to.equal(allow)
      expect(made.verdict(client, web)).to.equal(deny)
    })
    it('the pods that both selectors of one peer match', () => {
      const both = { kind: 'pods', namespaceSelector: [is('team', 'x')], podSelector: [is('app', 'other')] } as const
      expect(ingress({ peers: [both] }).verdict(far, web)).to.equal(deny)
      const meets = { ...both, podSelector: [is('app', 'client')] }
      expect(ingress({ peers: [meets] }).verdict(far, web)).to.equal(allow)
    })
    it('what either of two peers matches', () => {
      const made = ingress({
        peers: [{ kind: 'pods', namespaceSelector: [is('team', 'x')] }, pods(is('app', 'other'))],
      })
      expect(made.verdict(far, web)).to.equal(allow)
      expect(made.verdict(other, web)).to.equal(allow)
      expect(made.verdict(client, web)).to.equal(deny)
    })
    it('pods alone, not nodes or the world, by an empty namespaceSelector', () => {
      const made = ingress({ peers: [{ kind: 'pods', namespaceSelector: [] }] })
      expect(made.verdict(far, web)).to.equal(allow)
      expect(made.verdict('192.168.0.2', web)).to.equal(deny)
      expect(made.verdict('8.8.8.8', web)).to.equal(deny)
    })
    it('a namespace by the name label that each has without an object', () => {
      const made = ingress({
        peers: [{ kind: 'pods', namespaceSelector: [is('kubernetes.io/metadata.name', 'a')], podSelector: [] }],
      })
      expect(made.verdict(client, web)).to.equal(allow)
      expect(made.verdict(far, web)).to.equal(deny)
    })
    it('keys that are absent by NotIn and DoesNotExist', () => {
      const absent = ingress({ peers: [pods({ key: 'tier', operator: 'DoesNotExist', values: [] })] })
      expect(absent.verdict(client, web)).to.equal(allow)
      const notIn = ingress({ peers: [pods({ key: 'app', operator: 'NotIn', values: ['client'] })] })
      expect(notIn.verdict(client, web)).to.equal(deny)
      expect(notIn.verdict(other, web)).to.equal(allow)
    })
  })

  describe('ipBlock', () => {
    it('matches by address, pods and nodes included', () => {
      const made = ingress({ peers: [ipBlock('10.0.0.0/8'), ipBlock('192.168.0.2/32')] })
      expect(made.verdict(far, web)).to.equal(allow)
      expect(made.verdict('192.168.0.2', web)).to.equal(allow)
      expect(made.verdict('11.0.0.1', web)).to.equal(deny)
    })
    it('has holes that deny nothing another peer allows', () => {
      const made = ingress({ peers: [ipBlock('10.0.0.0/8', '10.0.0.0/24'), pods(is('app', 'client'))] })
      expect(made.verdict(client, web)).to.equal(allow)
      expect(made.verdict(other, web)).to.equal(deny)
      expect(made.verdict(far, web)).to.equal(allow)
    })
    it('of one block covers the hole of another', () => {
      const made = ingress({ peers: [ipBlock('10.0.0.0/8', '10.0.0.0/16'), ipBlock('10.0.0.2/31')] })
      expect(made.verdict(other, web)).to.equal(allow)
      expect(made.verdict('10.0.9.9', web)).to.equal(deny)
    })
    it('says the whole world of its family by /0', () => {
      const made = ingress({ peers: [ipBlock('::/0')] })
      expect(made.verdict('fd00::2', 'fd00::1')).to.equal(allow)
      expect(made.verdict('2001:db8::1', 'fd00::1')).to.equal(allow)
      expect(made.verdict(client, web)).to.equal(deny)
    })
    it('follows an address to another owner', () => {
      const made = ingress({ peers: [ipBlock('10.0.0.2/32')] })
      made.apply(pod('a/client', { app: 'client' }, '10.0.0.99'))
      expect(made.verdict('10.0.0.99', web)).to.equal(deny)
      expect(made.verdict(client, web)).to.equal(allow)
    })
  })

  describe('ports', () => {
    it('range to endPort, both ends included', () => {
      const made = ingress({ ports: [tcp(80, 82)] })
      expect([79, 80, 82, 83].map(port => made.verdict(client, web, port))).to.deep.equal([deny, allow, allow, deny])
    })
    it('without number are all of the protocol', () => {
      const made = ingress({ ports: [{ protocol: 'UDP' }] })
      expect(made.verdict(client, web, 'udp/65535')).to.equal(allow)
      expect(made.verdict(client, web, 'udp/0')).to.equal(allow)
      expect(made.verdict(client, web, 80)).to.equal(deny)
    })
    it('of SCTP are their own', () => {
      const made = ingress({ ports: [{ protocol: 'SCTP', port: 80 }] })
      expect(made.verdict(client, web, 'sctp/80')).to.equal(allow)
      expect(made.verdict(client, web, 80)).to.equal(deny)
    })
    it('never allow ICMP', () => {
      const made = ingress({ ports: [{ protocol: 'TCP' }, { protocol: 'UDP' }, { protocol: 'SCTP' }] })
      expect(made.verdict(client, web, 'icmp/2048')).to.equal(deny)
      expect(made.verdict('fd00::2', 'fd00::1', 'icmpv6/32768')).to.equal(deny)
    })
    it('by name are the selected pod’s own on ingress', () => {
      const made = ingress({ ports: [tcp('http')] })
      expect(made.verdict(client, web, 8080)).to.equal(allow)
      expect(made.verdict(client, web, 'udp/8080')).to.equal(deny)
      expect(made.verdict(client, web, 9090)).to.equal(deny)
    })
    it('by name are each peer’s own on egress', () => {
      const made = egress({ ports: [tcp('http')] })
      expect(made.verdict(web, other, 9090)).to.equal(allow)
      expect(made.verdict(web, other, 8080)).to.equal(deny)
      expect(made.verdict(web, far, 8080)).to.equal(deny)
      expect(made.verdict(web, '8.8.8.8', 8080)).to.equal(deny)
    })
    it('by name resolve for peers by address too', () => {
      const made = egress({ peers: [ipBlock('10.0.0.0/24')], ports: [tcp('http'), { protocol: 'UDP', port: 'http' }] })
      expect(made.verdict(web, other, 9090)).to.equal(allow)
      expect(made.verdict(web, far, 'udp/8080')).to.equal(deny)
    })
    it('by name mean the lowest number where a pod gives several', () => {
      const made = egress({ ports: [tcp('http')] })
      const ports = [9091, 7070].map(port => ({ name: 'http', protocol: 'TCP', port }) as const)
      made.apply(pod('a/other', { app: 'other' }, other, { ports }))
      expect([7070, 9090, 9091].map(port => made.verdict(web, other, port))).to.deep.equal([allow, deny, deny])
    })
    it('by name say nothing where no pod has the name, beside others that do', () => {
      const made = egress({ ports: [tcp('grpc'), tcp(443)] })
      expect(made.verdict(web, other, 443)).to.equal(allow)
      expect(made.verdict(web, other, 9090)).to.equal(deny)
    })
  })

  describe('never stands between', () => {
    it('a node and its own pods', () => {
      const made = scene({})
      expect(made.verdict('192.168.0.1', web)).to.equal(allow)
      expect(made.verdict('fd00:9::1', 'fd00::1', 'icmpv6/32768')).to.equal(allow)
      expect(made.verdict('192.168.0.2', web)).to.equal(deny)
    })
    it('a pod and itself', () => {
      const made = scene({ policyTypes: ['ingress', 'egress'] })
      expect(made.verdict(web, web)).to.equal(allow)
      expect(made.verdict(client, web)).to.equal(deny)
    })
    it('hostNetwork pods: they are the node', () => {
      const made = scene({})
      made.apply(
        pod('a/agent', { app: 'web' }, '192.168.0.1', { hostNetwork: true }),
        pod('a/proxy', { app: 'client' }, '192.168.7.7', { hostNetwork: true }),
      )
      expect(made.verdict(far, '192.168.0.1')).to.equal(allow)
      expect(made.verdict('192.168.7.7', web)).to.equal(allow)
      expect(made.engine.tables.endpoints.size).to.equal(3)
    })
  })

  it('selects and finds peers by labels that identities leave out', () => {
    const made = new Scene()
    const hash = 'pod-template-hash'
    made.apply(agent(), pod('a/x', { app: 'x', [hash]: '1' }, web), pod('a/y', { app: 'x', [hash]: '2' }, client))
    const numbers = () => [web, client].map(address => made.engine.tables.addresses.get(address)!.identity)
    expect(new Set(numbers()).size).to.equal(1)
    made.apply(policy('p', { podSelector: [is(hash, '1')], ingress: [{ peers: [pods(is(hash, '3'))], ports: [] }] }))
    expect(made.verdict(client, web)).to.equal(deny)
    expect(made.verdict(web, client)).to.equal(allow)
    made.apply(pod('a/z', { app: 'x', [hash]: '3' }, other))
    expect(made.verdict(other, web)).to.equal(allow)
    expect(new Set(numbers()).size).to.equal(1)
    made.apply({ kind: 'networkpolicy.deleted', namespace: 'a', name: 'p' })
    expect(made.classOf(web)).to.equal(made.classOf(other))
    expect(made.subjectOf(web)).to.equal(made.subjectOf(client))
  })

  it('follows a namespace’s labels', () => {
    const made = ingress({ peers: [{ kind: 'pods', namespaceSelector: [is('team', 'x')] }] })
    made.apply(namespace('b', { team: 'y' }))
    expect(made.verdict(far, web)).to.equal(deny)
    made.apply(namespace('a', { team: 'x' }))
    expect(made.verdict(client, web)).to.equal(allow)
    made.apply({ kind: 'namespace.deleted', name: 'a' })
    expect(made.verdict(client, web)).to.equal(deny)
  })

  it('believes no pod that claims labels of a namespace for itself', () => {
    const made = ingress({ peers: [{ kind: 'pods', namespaceSelector: [is('team', 'z')] }] })
    made.apply(pod('a/client', { app: 'client', 'io.cilium.k8s.namespace.labels.team': 'z' }, client))
    expect(made.verdict(client, web)).to.equal(deny)
  })
})
