/** What a finding is about. `docs/lint.md` says of each what to do. */
export const findingKinds = [
  'refused',
  'selects-nothing',
  'peer-matches-nothing',
  'contradiction',
  'unreachable-rule',
  'shadowed-by-deny',
  'duplicate-policy',
  'allow-all',
  'every-pod',
  'every-address',
  'section-ignored',
  'isolates-silently',
  'peers-ored',
  'absent-key-matches',
  'except-allowed-elsewhere',
  'cidr-means-pods',
  'cidr-misses-pods',
  'named-port-unknown',
  'named-port-differs',
  'service-port',
  'empty-rule',
  'nobody',
  'l7-widened',
  'no-dns',
  'names-unseen',
  'unknown-ignore',
] as const
export type FindingKind = (typeof findingKinds)[number]

/** `error`: the policy can't do what it says. `warning`: it hardly does what was meant. `info`: worth knowing. */
export type Severity = 'error' | 'warning' | 'info'

/** The gravest first. */
export const severities: readonly Severity[] = ['error', 'warning', 'info']

/** Something about a policy that its author may not have meant. */
export interface Finding {
  readonly kind: FindingKind
  readonly severity: Severity
  /** `NetworkPolicy shop/web` */
  readonly policy: string
  /** `spec.ingress[0]`; empty for the policy itself. */
  readonly path: string
  /** The event that brought this version of the policy. */
  readonly seq: number
  readonly message: string
  /** What to write instead; absent when it may be just right. */
  readonly suggestion?: string
  /** Of a refusal, the line of the manifest: no version in force tells it. */
  readonly line?: number
}

/** A finding without the policy that it is about. */
export type PolicyFinding = Omit<Finding, 'policy' | 'seq'>
