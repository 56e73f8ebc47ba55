import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { CidrGroupFact } from '../../event/cilium.js'
import { canonicalCidrs, cidr } from '../address.js'
import { withoutEmptyFields } from '../empty.js'
import { objectMeta, objectOf } from '../metadata.js'
import { dnsSubdomain } from '../names.js'
import type { Parsed } from '../problem.js'
import { listOf, record } from '../reader.js'

const spec = withoutEmptyFields(record({ externalCIDRs: listOf(cidr) }))

const parser = (apiVersion: string): ((raw: unknown) => Parsed<CidrGroupFact>) => {
  const object = objectOf(apiVersion, 'CiliumCIDRGroup', objectMeta(dnsSubdomain, false), { spec }, ['status'])
  return raw => {
    const parsed = object(raw)
    if (isLeft(parsed)) return parsed
    const { metadata, spec } = parsed.right
    return right({ name: metadata.name, labels: metadata.labels, cidrs: canonicalCidrs(spec.externalCIDRs) })
  }
}

/** cilium.io/v2 CiliumCIDRGroup. */
export const parseCidrGroup = parser('cilium.io/v2')

/** The same, as cilium.io/v2alpha1 had it. */
export const parseCidrGroupAlpha = parser('cilium.io/v2alpha1')
