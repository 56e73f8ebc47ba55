import type { EventBody } from '@weir/core'
import { recognise } from '@weir/core/input/kinds.js'
import type { FindingKind } from '@weir/core/lint/finding.js'
import { lint, type LintReport } from '@weir/core/lint/lint.js'
import { expect } from 'chai'
import { parseAllDocuments } from 'yaml'
import { understood } from '../input/read.js'
import { agent, namespace, node, pod, Scene } from '../log.js'

const service: EventBody = {
  kind: 'service.upserted',
  service: {
    namespace: 'a',
    name: 'web',
    type: 'ClusterIP',
    clusterIps: ['10.96.0.1'],
    selector: { app: 'web' },
    ports: [{ name: '', protocol: 'TCP', port: 80, targetPort: 'http' }],
  },
}

/** Two namespaces, a node, and a few pods that policies can be about. */
export const setting: readonly EventBody[] = [
  agent(),
  node('here', ['192.168.0.1'], { labels: { zone: 'east' } }),
  namespace('a', { team: 'x' }),
  namespace('b', { team: 'y' }),
  pod('a/web', { app: 'web' }, '10.0.0.1', { ports: [{ name: 'http', protocol: 'TCP', port: 8080 }] }),
  pod('a/db', { app: 'db', role: 'main' }, '10.0.0.2', { ports: [{ name: 'pg', protocol: 'TCP', port: 5432 }] }),
  pod('b/api', { app: 'api' }, '10.0.0.3', { ports: [{ name: 'http', protocol: 'TCP', port: 9090 }] }),
  pod('b/dns', { app: 'dns' }, '10.0.0.4', { ports: [{ name: 'dns', protocol: 'UDP', port: 53 }] }),
  pod('a/agent', { app: 'agent' }, '192.168.0.1', { hostNetwork: true }),
  service,
]

/** The events that bring the objects of a stream of manifests. */
export const manifests = (yaml: string): readonly EventBody[] =>
  parseAllDocuments(yaml).flatMap(document => {
    const raw: unknown = document.toJS()
    if (raw === null) return []
    const recognised = recognise(raw)
    if (recognised.status !== 'known') throw new Error(`no object: ${JSON.stringify(raw)}`)
    return understood(recognised.input.parse(raw))
  })

/** What lint says of policies among the pods of the setting. */
export function reportOf(yaml: string | readonly string[], around: readonly EventBody[] = setting): LintReport {
  const scene = new Scene()
  scene.apply(...around, ...[yaml].flat().flatMap(manifests))
  return lint(scene.engine)
}

/** Findings of one kind as `severity policy path: message; suggestion`. */
export const told = ({ findings }: Pick<LintReport, 'findings'>, kind: FindingKind): string[] =>
  findings
    .filter(each => each.kind === kind)
    .map(({ severity, policy, path, message, suggestion }) =>
      [`${[severity, policy, path].filter(part => part !== '').join(' ')}: ${message}`, suggestion]
        .filter(part => part !== undefined)
        .join('; '),
    )

/** A finding of one kind, where it fires and where, next to that, it must not. */
export interface Case {
  readonly title: string
  readonly kind: FindingKind
  /** Manifests of policies that are found fault with. */
  readonly fires: string | readonly string[]
  /** Findings in their order; blanks and line breaks are all one blank. */
  readonly says: readonly string[]
  /** The nearest manifests that are sound. */
  readonly silent: string | readonly string[]
  /** Other pods and nodes than those of the setting. */
  readonly around?: readonly EventBody[]
}

/** One test for each case. */
export function tell(cases: readonly Case[]): void {
  for (const { title, kind, fires, says, silent, around } of cases)
    it(`${kind}: ${title}`, () => {
      expect(told(reportOf(fires, around), kind), 'where it fires').deep.equals(
        says.map(text => text.replace(/\s+/g, ' ')),
      )
      expect(told(reportOf(silent, around), kind), 'where it is silent').deep.equals([])
    })
}

/** Lines of a manifest. */
export const lines = (...each: readonly string[]): string => each.join('\n')

const indented = (text: string): string =>
  text
    .replace(/^\n/, '')
    .trimEnd()
    .split('\n')
    .map(line => `  ${line}`)
    .join('\n')

/** A policy of one kind; `spec` is what stands below `spec:`, flush left. */
const policyOf =
  (apiVersion: string, kind: string, metadata: (name: string) => string) =>
  (name: string, spec: string): string =>
    [
      `apiVersion: ${apiVersion}`,
      `kind: ${kind}`,
      `metadata: ${metadata(name)}`,
      'spec:',
      indented(spec),
      '---',
      '',
    ].join('\n')

const namespaced = (name: string): string => `{ name: ${name}, namespace: a }`
const clusterwide = (name: string): string => `{ name: ${name} }`

export const networkPolicy = policyOf('networking.k8s.io/v1', 'NetworkPolicy', namespaced)
export const cnp = policyOf('cilium.io/v2', 'CiliumNetworkPolicy', namespaced)
export const ccnp = policyOf('cilium.io/v2', 'CiliumClusterwideNetworkPolicy', clusterwide)
export const clusterPolicy = policyOf('policy.networking.k8s.io/v1alpha2', 'ClusterNetworkPolicy', clusterwide)
export const adminPolicy = policyOf('policy.networking.k8s.io/v1alpha1', 'AdminNetworkPolicy', clusterwide)
export const baselinePolicy = policyOf('policy.networking.k8s.io/v1alpha1', 'BaselineAdminNetworkPolicy', clusterwide)
