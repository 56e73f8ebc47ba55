import { isLeft, right } from 'fp-ts/lib/Either.js'
import { containsPrefix, type Prefix, prefixText } from '../../address/address.js'
import type { CidrSource } from '../../event/cilium.js'
import { canonicalCidrs, cidr } from '../address.js'
import { dnsSubdomain } from '../names.js'
import { fieldPath, itemPath } from '../path.js'
import { type Parsed, refuse } from '../problem.js'
import { listOf, optional, type Reader, record, andThen } from '../reader.js'
import { labelSelector } from '../selector.js'
import { onlyField, unless } from '../shape.js'

/** `fromCIDR`, `toCIDR`: blocks without exceptions, in the order of facts, each once. */
export const cidrList: Reader<readonly CidrSource[]> = andThen(listOf(cidr), blocks =>
  right(canonicalCidrs(blocks).map(text => ({ kind: 'cidr' as const, cidr: text, except: [] }))),
)

const holesInside = (block: Prefix, except: readonly Prefix[], path: string): readonly Parsed<unknown>[] =>
  except.map((hole, index) =>
    containsPrefix(block, hole)
      ? right(hole)
      : refuse(
          itemPath(path, index),
          'the exception is not inside the block',
          prefixText(hole),
          `a CIDR inside ${prefixText(block)}`,
        ),
  )

/** An item of `fromCIDRSet`, `toCIDRSet`: a block, a CiliumCIDRGroup by name, or groups by labels; holes in any. */
const cidrRule: Reader<CidrSource> = andThen(
  record({
    cidr: optional(cidr, undefined),
    cidrGroupRef: optional(dnsSubdomain, undefined),
    cidrGroupSelector: optional(labelSelector, undefined),
    except: optional(listOf(cidr), [] as readonly Prefix[]),
  }),
  ({ cidr, cidrGroupRef, cidrGroupSelector, except }, path): Parsed<CidrSource> => {
    const only = onlyField<unknown>({ cidr, cidrGroupRef, cidrGroupSelector }, path)
    if (isLeft(only)) return only
    const holes = canonicalCidrs(except)
    if (cidrGroupRef !== undefined) return right({ kind: 'group', name: cidrGroupRef, except: holes })
    if (cidrGroupSelector !== undefined) return right({ kind: 'groups', selector: cidrGroupSelector, except: holes })
    const block = cidr!
    const source: CidrSource = { kind: 'cidr', cidr: prefixText(block), except: holes }
    return unless(source, holesInside(block, except, fieldPath(path, 'except')))
  },
)

/** `fromCIDRSet`, `toCIDRSet`, in the order of the manifest. */
export const cidrSet: Reader<readonly CidrSource[]> = listOf(cidrRule)
