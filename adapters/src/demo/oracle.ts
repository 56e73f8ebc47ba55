import type { ClusterState, FlowQuery } from '@weir/core'

/** What the reference semantics say of a flow, and by which rules. */
export interface Judgement {
  readonly allowed: boolean
  /** `NetworkPolicy shop/web spec.ingress[0]` */
  readonly causes: readonly string[]
}

/** An independent, naive reading of the policies, to hold Weir's verdicts against. */
export interface Oracle {
  judge(state: ClusterState, flow: FlowQuery): Judgement
}

interface Side {
  readonly allowed: boolean
  readonly isolatedBy: readonly { readonly policy: string; readonly path: string }[]
  readonly allowedBy: readonly { readonly policy: string; readonly path: string }[]
}

/** The shape of `@weir/spec/oracle`, as far as the demo uses it. */
interface OracleModule {
  decide(
    cluster: object,
    flow: FlowQuery,
  ): { readonly allowed: boolean; readonly allowedHere: boolean; readonly egress: Side; readonly ingress: Side }
}

/**
 * Loads the reference semantics of the test suite. They are part of the repository, not of the packages: Weir must not
 * come to depend on them, so they are looked up when the demo runs.
 *
 * @throws Error when the demo runs outside the repository, or the tests aren't built.
 */
export async function loadOracle(): Promise<Oracle> {
  const name: string = '@weir/spec/oracle'
  const module = (await import(name).catch(cause => {
    throw new Error(
      'the demo compares with the reference semantics in spec/oracle: run it in the repository, after `npm run build`',
      { cause },
    )
  })) as OracleModule
  return {
    judge: (state, flow) => {
      const decision = module.decide(clusterOf(state), flow)
      return { allowed: decision.allowed, causes: causesOf(decision) }
    },
  }
}

/** A denied flow is explained by the side that denies, an allowed one by both. */
function causesOf({
  allowed,
  egress,
  ingress,
}: {
  readonly allowed: boolean
  readonly egress: Side
  readonly ingress: Side
}): string[] {
  const rules = allowed
    ? [...egress.allowedBy, ...ingress.allowedBy]
    : [egress, ingress].flatMap(side => (side.allowed ? [] : side.isolatedBy))
  return rules.map(rule => `${rule.policy} ${rule.path}`)
}

const clusters = new WeakMap<ClusterState, { readonly seq: number; readonly cluster: object }>()

/** The facts alone. Kept per sequence number, as a matrix asks thousands of times. */
function clusterOf(state: ClusterState): object {
  const known = clusters.get(state)
  if (known?.seq === state.seq) return known.cluster
  const facts = <Fact>(stored: ReadonlyMap<string, { readonly fact: Fact }>): Fact[] =>
    [...stored.values()].map(({ fact }) => fact)
  const cluster = {
    ...(state.agent && { agent: state.agent.fact }),
    observed: state.host?.fact.addresses ?? [],
    namespaces: facts(state.namespaces),
    nodes: facts(state.nodes),
    pods: facts(state.pods),
    policies: facts(state.policies),
    attached: [...state.endpoints.keys()],
    services: facts(state.services),
    slices: facts(state.endpointSlices),
    ciliumPolicies: facts(state.ciliumPolicies),
    cidrGroups: facts(state.cidrGroups),
    clusterPolicies: facts(state.clusterPolicies),
    answers: [...state.dns].flatMap(([name, addresses]) =>
      [...addresses].map(([address, { untilMs }]) => ({
        answer: { name, addresses: [address], ttlSeconds: 0 },
        heardMs: untilMs,
      })),
    ),
    timeMs: state.timeMs,
  }
  clusters.set(state, { seq: state.seq, cluster })
  return cluster
}
