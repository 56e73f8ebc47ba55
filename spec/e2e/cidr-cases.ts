import { cilium, type DialectCase, group, onClient, onServer, service, slices } from './dialect-case.js'
import { outsiders } from './manifest-stage.js'

/** Who is meant by address, by entity or as a node or service. */
export const cidrCases: readonly DialectCase[] = [
  {
    title: 'CIDRs mean addresses outside the cluster: neither pods nor nodes, whatever their addresses',
    manifests: [
      cilium(
        'red',
        `{${onClient}, egress: [{toCIDR: [10.77.0.0/16, "fd77::/16", 203.0.113.0/24, "2001:db8:77::/48",
          192.0.2.0/24, "2001:db8:2::/48"]}]}`,
      ),
    ],
    passes: [['red/client', 'world', 'TCP:443']],
    fails: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'blue/client', 'ICMP'],
      ['red/client', 'host', 'ICMP'],
      ['red/client', 'neighbour', 'TCP:443'],
      ['red/client', 'office', 'TCP:443'],
    ],
  },
  {
    title: 'a wider block contains the narrower one by which another policy knows an address; /0 is the world',
    manifests: [
      cilium('red', `{${onServer}, ingress: [{fromCIDR: [0.0.0.0/0, "::/0"]}]}`),
      cilium('blue', `{${onServer}, ingressDeny: [{fromCIDR: [203.0.113.77/32, "2001:db8:77::77/128"]}]}`),
    ],
    passes: [
      ['world', 'red/server', 'TCP:8080'],
      ['office', 'red/server', 'TCP:8080'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['neighbour', 'red/server', 'TCP:8080'],
      ['world', 'blue/server', 'TCP:8081'],
      ['office', 'blue/server', 'TCP:8081'],
    ],
  },
  {
    title: 'except is a hole in its own block, and another block fills it',
    manifests: [
      cilium(
        'red',
        `{${onServer}, ingress: [{fromCIDRSet: [
          {cidr: 0.0.0.0/0, except: [203.0.113.0/24]}, {cidr: "::/0", except: ["2001:db8:77::/48"]}]}]}`,
      ),
      cilium(
        'blue',
        `{${onServer}, ingress: [{fromCIDRSet: [{cidr: 0.0.0.0/0, except: [203.0.113.0/24]}, {cidr: 203.0.113.77/32},
          {cidr: "::/0", except: ["2001:db8:77::/48"]}, {cidr: "2001:db8:77::77/128"}]}]}`,
      ),
    ],
    passes: [
      ['office', 'red/server', 'TCP:8080'],
      ['world', 'blue/server', 'TCP:8081'],
    ],
    fails: [['world', 'red/server', 'TCP:8080']],
  },
  {
    title: 'CIDR groups by name and by labels, with holes of their own',
    manifests: [
      group('offices', '[198.51.100.0/24, "2001:db8:98::/48"]', '{kind: trusted}'),
      group('everybody', '[0.0.0.0/0, "::/0"]', '{kind: open}'),
      cilium('red', `{${onServer}, ingress: [{fromCIDRSet: [{cidrGroupRef: offices}]}]}`),
      cilium(
        'blue',
        `{${onServer}, ingress: [{fromCIDRSet: [{cidrGroupSelector: {matchLabels: {kind: open}},
          except: [198.51.100.0/24, "2001:db8:98::/48"]}]}]}`,
      ),
    ],
    passes: [
      ['office', 'red/server', 'TCP:8080'],
      ['world', 'blue/server', 'TCP:8081'],
    ],
    fails: [
      ['world', 'red/server', 'TCP:8080'],
      ['office', 'blue/server', 'TCP:8081'],
      ['red/client', 'blue/server', 'TCP:8081'],
    ],
  },
  {
    title: 'world is who is outside the cluster; cluster is every pod and node',
    manifests: [
      cilium('red', `{${onServer}, ingress: [{fromEntities: [world]}]}`),
      cilium('blue', `{${onServer}, ingress: [{fromEntities: [cluster]}]}`),
    ],
    passes: [
      ['world', 'red/server', 'TCP:8080'],
      ['office', 'red/server', 'TCP:8080'],
      ['red/client', 'blue/server', 'TCP:8081'],
      ['neighbour', 'blue/server', 'TCP:8081'],
      ['host', 'blue/server', 'TCP:8081'],
    ],
    fails: [
      ['neighbour', 'red/server', 'TCP:8080'],
      ['red/client', 'red/server', 'TCP:8080'],
      ['world', 'blue/server', 'TCP:8081'],
    ],
  },
  {
    title: 'the world has two families',
    manifests: [
      cilium('red', `{${onServer}, ingress: [{fromEntities: [world-ipv4]}]}`),
      cilium('blue', `{${onServer}, ingress: [{fromEntities: [world-ipv6]}]}`),
    ],
    passes: [['world', 'red/server', 'TCP:8080']],
    fails: [['world', 'blue/server', 'TCP:8081']],
    families: [4],
  },
  {
    title: 'the world has two families (IPv6)',
    manifests: [
      cilium('red', `{${onServer}, ingress: [{fromEntities: [world-ipv4]}]}`),
      cilium('blue', `{${onServer}, ingress: [{fromEntities: [world-ipv6]}]}`),
    ],
    passes: [['world', 'blue/server', 'TCP:8081']],
    fails: [['world', 'red/server', 'TCP:8080']],
    families: [6],
  },
  {
    title: 'host is the pod’s own node, remote-node any other',
    manifests: [
      cilium('red', `{${onClient}, egress: [{toEntities: [host]}]}`),
      cilium('blue', `{${onClient}, egress: [{toEntities: [remote-node]}]}`),
    ],
    passes: [
      ['red/client', 'host', 'ICMP'],
      ['blue/client', 'neighbour', 'TCP:443'],
    ],
    fails: [
      ['red/client', 'neighbour', 'TCP:443'],
      ['red/client', 'world', 'TCP:443'],
      ['blue/client', 'host', 'ICMP'],
      ['blue/client', 'red/server', 'TCP:8080'],
    ],
  },
  {
    title: 'a reserved label means whoever has it, and no pod',
    manifests: [
      cilium('red', `{${onServer}, ingress: [{fromEndpoints: [{matchLabels: {"reserved:remote-node": ""}}]}]}`),
      cilium('blue', `{${onServer}, ingress: [{fromEndpoints: [{matchLabels: {"reserved:world": ""}}]}]}`),
    ],
    passes: [
      ['neighbour', 'red/server', 'TCP:8080'],
      ['world', 'blue/server', 'TCP:8081'],
    ],
    fails: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['world', 'red/server', 'TCP:8080'],
      ['blue/client', 'blue/server', 'TCP:8081'],
      ['neighbour', 'blue/server', 'TCP:8081'],
    ],
  },
  {
    title: 'nodes are meant by their labels, the own one too',
    manifests: [
      cilium('red', `{${onClient}, egress: [{toNodes: [{matchLabels: {place: there}}]}]}`),
      cilium('blue', `{${onClient}, egress: [{toNodes: [{matchLabels: {place: here}}]}]}`),
    ],
    passes: [
      ['red/client', 'neighbour', 'TCP:443'],
      ['blue/client', 'host', 'ICMP'],
    ],
    fails: [
      ['red/client', 'host', 'ICMP'],
      ['red/client', 'red/server', 'TCP:8080'],
      ['blue/client', 'neighbour', 'TCP:443'],
    ],
  },
  {
    title: 'kube-apiserver is where the service kubernetes has its endpoints, outside the cluster or on a node',
    manifests: [
      slices('default', 'kubernetes', outsiders.office),
      slices('default', 'other', outsiders.world),
      cilium('red', `{${onClient}, egress: [{toEntities: [kube-apiserver]}]}`),
      cilium('blue', `{${onClient}, egress: [{toEntities: [cluster]}]}`),
    ],
    passes: [
      ['red/client', 'office', 'TCP:443'],
      ['blue/client', 'office', 'TCP:443'],
    ],
    fails: [
      ['red/client', 'world', 'TCP:443'],
      ['red/client', 'neighbour', 'TCP:443'],
      ['blue/client', 'world', 'TCP:443'],
    ],
  },
  {
    title: 'kube-apiserver may be a node',
    manifests: [
      slices('default', 'kubernetes', outsiders.neighbour),
      cilium('red', `{${onClient}, egress: [{toEntities: [kube-apiserver]}]}`),
    ],
    passes: [['red/client', 'neighbour', 'TCP:443']],
    fails: [['red/client', 'office', 'TCP:443']],
  },
  {
    title: 'all is everybody; none, health, init, unmanaged and ingress are nobody here',
    manifests: [
      cilium('red', `{${onServer}, ingress: [{fromEntities: [all]}]}`),
      cilium('blue', `{${onServer}, ingress: [{fromEntities: [none, health, init, unmanaged, ingress]}]}`),
    ],
    passes: [
      ['red/client', 'red/server', 'TCP:8080'],
      ['world', 'red/server', 'TCP:8080'],
      ['neighbour', 'red/server', 'ICMP'],
    ],
    fails: [
      ['blue/client', 'blue/server', 'TCP:8081'],
      ['world', 'blue/server', 'TCP:8081'],
      ['neighbour', 'blue/server', 'TCP:8081'],
    ],
  },
  {
    title:
      'a service with a selector means its pods, by target port; one without means its endpoints outside the cluster',
    manifests: [
      service('blue', 'web', '{selector: {app: server}, ports: [{port: 80, targetPort: 8081}]}'),
      service('blue', 'outside', '{ports: [{port: 443}]}'),
      slices('blue', 'outside', outsiders.office),
      cilium(
        'red',
        `{${onClient}, egress: [
          {toServices: [{k8sService: {namespace: blue, serviceName: web}}], toPorts: [{ports: [{port: "8081"}]}]},
          {toServices: [{k8sService: {namespace: blue, serviceName: outside}}]}]}`,
      ),
    ],
    passes: [
      ['red/client', 'blue/server', 'TCP:8081'],
      ['red/client', 'office', 'TCP:443'],
    ],
    fails: [
      ['red/client', 'blue/server', 'TCP:9090'],
      ['red/client', 'red/server', 'TCP:8080'],
      ['red/client', 'world', 'TCP:443'],
    ],
  },
]
