import { Engine } from '@weir/core'
import type { EventBody } from '@weir/core/event/event.js'
import { lint, type LintReport } from '@weir/core/lint/lint.js'
import type { Bench } from './bench.js'
import { clusterEvents, is } from './cluster.js'

export const bench: Bench = {
  name: 'lint',
  summary: 'everything that lint finds in a cluster of every dialect, and how that grows',
  options: {
    policies: { value: 1_000, help: 'policies, a quarter of them with denials' },
    pods: { value: 5_000, help: 'pods' },
    namespaces: { value: 50, help: 'namespaces' },
  },
  async run(options, say) {
    const full = {
      policies: options.number('policies'),
      pods: options.number('pods'),
      namespaces: options.number('namespaces'),
    }
    const half = { ...full, policies: full.policies >> 1, pods: full.pods >> 1 }
    const small = measured(half)
    say(`${half.policies} policies, ${half.pods} pods: ${small.cpuSeconds.toFixed(2)} s`)
    const large = measured(full)
    say(`${full.policies} policies, ${full.pods} pods: ${large.cpuSeconds.toFixed(2)} s`)
    return {
      workload: { ...full, findings: large.report.findings.length },
      figures: { 'processor time': { value: large.cpuSeconds, unit: 's', goal: { atMost: 10 } } },
      ratios: { 'twice the cluster costs': { value: large.cpuSeconds / small.cpuSeconds, goal: { atMost: 4 } } },
    }
  },
}

interface Size {
  readonly policies: number
  readonly pods: number
  readonly namespaces: number
}

/** Time on processors, which other work on the machine changes less than wall time. */
function measured(size: Size): { readonly cpuSeconds: number; readonly report: LintReport } {
  const engine = new Engine()
  engine.apply([...events(size)].map((body, at) => ({ ...body, seq: at + 1, time: 0, source: 'bench' })))
  engine.digest()
  const before = process.cpuUsage()
  const report = lint(engine)
  const { user, system } = process.cpuUsage(before)
  return { cpuSeconds: (user + system) / 1e6, report }
}

function* events({ policies, pods, namespaces }: Size): Iterable<EventBody> {
  const denials = policies >> 2
  yield* clusterEvents({
    pods,
    nodes: 50,
    identities: Math.max(namespaces, pods >> 2),
    policies: policies - denials,
    namespaces,
    cidrs: policies >> 2,
    local: 50,
  })
  for (let n = 0; n < denials; n += 1) yield denial(`team-${n % namespaces}`, n)
  for (let n = 0; n < 20; n += 1) yield clusterPolicy(n)
}

const get = { kind: 'http' as const, http: [{ method: 'GET', headers: [], headerMatches: [] }] }

/** Denies a tier to an application; every fourth has L7 rules too. */
function denial(namespace: string, number: number): EventBody {
  const ports = { ranges: [{ protocol: 6, first: 8080, last: 8080 }], named: [], serverNames: [] }
  const front = { kind: 'endpoints', selectors: [[is('tier', 'front')]] } as const
  const back = { kind: 'endpoints', selectors: [[is('tier', 'back')]] } as const
  const rule = {
    path: 'spec',
    subject: { kind: 'endpoints', selector: [is('app', `app-${number % 7}`)] },
    enableDefaultDeny: {},
    ingress: [{ path: 'spec.ingress[0]', peers: front, ports: [number % 4 === 0 ? { ...ports, l7: get } : ports] }],
    ingressDeny: [{ path: 'spec.ingressDeny[0]', peers: back }],
  } as const
  return {
    kind: 'ciliumpolicy.upserted',
    policy: { kind: 'CiliumNetworkPolicy', namespace, name: `denial-${number}`, rules: [rule] },
  }
}

/** By turns in the admin and the baseline tier. */
function clusterPolicy(number: number): EventBody {
  const peer = { kind: 'namespaces', selector: [is('group', `group-${number}`)] } as const
  return {
    kind: 'clusterpolicy.upserted',
    policy: {
      kind: 'ClusterNetworkPolicy',
      name: `wide-${number}`,
      tier: number % 2 === 0 ? 'admin' : 'baseline',
      priority: number,
      subject: { kind: 'namespaces', selector: [] },
      ingress: [{ path: 'spec.ingress[0]', action: number % 2 === 0 ? 'pass' : 'deny', peers: [peer] }],
      egress: [],
    },
  }
}
