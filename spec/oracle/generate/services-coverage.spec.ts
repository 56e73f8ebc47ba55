import { expect } from 'chai'
import fc from 'fast-check'
import { clusterOf, type OracleCluster } from '../cluster.js'
import { balancingOf } from '../services.js'
import { serviceHistories } from './services.js'

interface Seen {
  readonly cluster: OracleCluster
  readonly text: string
  readonly balancing: ReturnType<typeof balancingOf>
}

const frontendsText = (cluster: OracleCluster): string => JSON.stringify(balancingOf(cluster).frontends)

/** Does the outcome turn on it? */
const turns = ({ cluster, text }: Seen, change: (cluster: OracleCluster) => OracleCluster): boolean =>
  frontendsText(change(cluster)) !== text

const ofKind =
  (kind: string) =>
  ({ balancing }: Seen): boolean =>
    balancing.frontends.some(frontend => frontend.kind === kind && frontend.members.length > 0)

const inState =
  (state: string) =>
  ({ balancing }: Seen): boolean =>
    balancing.backends.some(backend => backend.state === state)

const withoutField =
  (field: string) =>
  (cluster: OracleCluster): OracleCluster => ({
    ...cluster,
    services: (cluster.services ?? []).map(({ [field as 'topology']: _, ...service }) => service),
  })

/** What the properties of services must meet to mean anything. */
const kinds: Readonly<Record<string, (seen: Seen) => boolean>> = {
  'a cluster address with backends': ofKind('clusterIp'),
  'a load balancer with backends': ofKind('loadBalancer'),
  'an external address with backends': ofKind('externalIp'),
  'a node port with backends': ofKind('nodePort'),
  'a host port': ofKind('hostPort'),
  'a local redirect': ofKind('localRedirect'),
  'a redirect that spares its own, over a service': ({ balancing }) =>
    balancing.frontends.some(({ ofBackends }) => ofBackends !== undefined && ofBackends !== 'untouched'),
  'a frontend that refuses': ({ balancing }) => balancing.frontends.some(({ members }) => members.length === 0),
  IPv6: ({ balancing }) => balancing.frontends.some(({ at, members }) => at.startsWith('fd00') && members.length > 0),
  'several members': ({ balancing }) => balancing.frontends.some(({ members }) => members.length > 1),
  'a conflict': ({ balancing }) => balancing.conflicts.length > 0,
  'a conflict of redirects': ({ balancing }) => balancing.conflicts.some(text => text.includes('over localRedirect')),
  'an external address that a cluster address beats': ({ balancing }) =>
    balancing.conflicts.some(text => /clusterIp .* over externalIp/.test(text)),
  'an active backend': inState('active'),
  'one that is not ready': inState('notReady'),
  'one that terminates': inState('terminating'),
  'one that fails its checks': inState('unhealthy'),
  'hinging on a check that failed': seen => turns(seen, cluster => ({ ...cluster, failedChecks: [] })),
  'hinging on whose checks count': seen => turns(seen, withoutField('healthCheck')),
  'one in quarantine': inState('quarantined'),
  'one in maintenance': inState('maintenance'),
  'a last resort': ({ balancing }) =>
    balancing.frontends.some(({ members }) =>
      members.some(member =>
        balancing.backends.some(({ at, state }) => state === 'terminating' && member.startsWith(`${at} `)),
      ),
    ),
  'hinging on hints': seen => turns(seen, withoutField('topology')),
  'hinging on a hint for the node': seen =>
    turns(seen, cluster => ({
      ...cluster,
      services: (cluster.services ?? []).map(service =>
        service.topology === 'PreferSameNode' ? { ...service, topology: 'Auto' } : service,
      ),
    })),
  'hinging on the internal policy': seen => turns(seen, withoutField('internalTrafficPolicy')),
  'hinging on the external policy': seen => turns(seen, withoutField('externalTrafficPolicy')),
  'hinging on publishing what is not ready': seen => turns(seen, withoutField('publishNotReadyAddresses')),
  'hinging on a word on a backend': seen => turns(seen, cluster => ({ ...cluster, backends: [] })),
  'hinging on a word on a pod': seen =>
    turns(seen, cluster => ({
      ...cluster,
      backends: (cluster.backends ?? []).filter(({ target }) => target.kind === 'address'),
    })),
  'hinging on the addresses that have node ports': seen =>
    turns(seen, ({ agent, ...cluster }) => {
      if (agent === undefined) return cluster
      const { nodePortAddresses: _, ...rest } = agent
      return { ...cluster, agent: rest }
    }),
}

describe('oracle: random services', function () {
  this.timeout(60_000)

  it('are of every kind, often', () => {
    const seen = fc.sample(serviceHistories(40), { numRuns: 600, seed: 7 }).map((batches): Seen => {
      const cluster = clusterOf(batches.flat())
      return { cluster, balancing: balancingOf(cluster), text: frontendsText(cluster) }
    })
    const counts = Object.entries(kinds).map(([kind, holds]) => [kind, seen.filter(holds).length] as const)
    for (const [kind, count] of counts) console.log(`      ${String(count).padStart(4)} ${kind}`)
    expect(counts.filter(([, count]) => count < 4)).deep.equals([])
  })
})
