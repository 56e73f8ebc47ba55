import { parseCiliumClusterwideNetworkPolicy, parseCiliumNetworkPolicy } from '@weir/core/input/cilium/policy.js'
import { problemsOf, understood } from '../read.js'

const object = (kind: string, fields: object) => ({
  apiVersion: 'cilium.io/v2',
  kind,
  metadata: kind === 'CiliumNetworkPolicy' ? { name: 'p', namespace: 'shop' } : { name: 'p' },
  ...fields,
})

/** A CiliumNetworkPolicy shop/p with these top-level fields. */
export const namespaced = (fields: object) => parseCiliumNetworkPolicy(object('CiliumNetworkPolicy', fields))

/** A CiliumClusterwideNetworkPolicy p with these top-level fields. */
export const clusterwide = (fields: object) =>
  parseCiliumClusterwideNetworkPolicy(object('CiliumClusterwideNetworkPolicy', fields))

/** The only rule of a policy whose spec has these fields and selects every endpoint. */
export const ruleOf = (spec: object) => understood(namespaced({ spec: { endpointSelector: {}, ...spec } })).rules[0]!

/** What is wrong with such a spec, by path. */
export const refusedRule = (spec: object) => problemsOf(namespaced({ spec: { endpointSelector: {}, ...spec } }))

/** The only egress rule, of these fields. */
export const egress = (rule: unknown) => ruleOf({ egress: [rule] }).egress?.[0]

/** What is wrong with such an egress rule, by path below it. */
export const refusedEgress = (rule: unknown) => below('spec.egress[0]', refusedRule({ egress: [rule] }))

export const ingress = (rule: unknown) => ruleOf({ ingress: [rule] }).ingress?.[0]

export const refusedIngress = (rule: unknown) => below('spec.ingress[0]', refusedRule({ ingress: [rule] }))

/** The only toPorts entry of an egress rule. */
export const portsEntry = (entry: unknown) => egress({ toPorts: [entry] })?.ports?.[0]

export const refusedEntry = (entry: unknown) => below('toPorts[0]', refusedEgress({ toPorts: [entry] }))

const below = <A>(prefix: string, problems: Readonly<Record<string, A>>): Readonly<Record<string, A>> =>
  Object.fromEntries(
    Object.entries(problems).map(([path, problem]) => [
      path.startsWith(`${prefix}.`) ? path.slice(prefix.length + 1) : path === prefix ? '' : path,
      problem,
    ]),
  )
