import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { CiliumPolicyFact, CiliumRule } from '../../event/cilium.js'
import { withoutEmptyFields } from '../empty.js'
import { objectMeta, objectOf } from '../metadata.js'
import { dnsSubdomain } from '../names.js'
import { missing, type Parsed } from '../problem.js'
import { listOf, optional } from '../reader.js'
import { remarksOf } from '../remarks.js'
import { ciliumRule } from './rule.js'

/** The schema's only default: ICMP types are of IPv4. */
const defaulted = ['family']

const parser = (kind: CiliumPolicyFact['kind']): ((raw: unknown) => Parsed<CiliumPolicyFact>) => {
  const clusterwide = kind === 'CiliumClusterwideNetworkPolicy'
  const rule = ciliumRule(clusterwide)
  const fields = {
    spec: withoutEmptyFields(optional(rule, undefined), defaulted),
    specs: withoutEmptyFields(optional(listOf(rule), [] as readonly CiliumRule[]), defaulted),
  }
  const object = objectOf('cilium.io/v2', kind, objectMeta(dnsSubdomain, !clusterwide), fields, ['status'])
  return raw => {
    const parsed = object(raw)
    if (isLeft(parsed)) return parsed
    const { metadata, spec, specs } = parsed.right
    const rules = [...(spec === undefined ? [] : [spec]), ...specs]
    if (rules.length === 0) return missing('spec', 'spec, or at least one rule in specs')
    const remarks = remarksOf(metadata)
    if (isLeft(remarks)) return remarks
    return right({ kind, namespace: metadata.namespace, name: metadata.name, rules, ...remarks.right })
  }
}

/**
 * cilium.io/v2 CiliumNetworkPolicy: every field of its schema known and checked, and what the schema can't say (peers
 * don't mix, L7 only where a proxy can stand). Rules and directions keep their order, so that paths stay those of the
 * manifest. Refused beyond the schema: a toPorts entry without ports and an icmps entry without fields, which select
 * nothing at all, and groups of cloud providers.
 */
export const parseCiliumNetworkPolicy = parser('CiliumNetworkPolicy')

/** cilium.io/v2 CiliumClusterwideNetworkPolicy: the same, with nodeSelector. */
export const parseCiliumClusterwideNetworkPolicy = parser('CiliumClusterwideNetworkPolicy')
