import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { FqdnSelector } from '../../event/cilium.js'
import type { Parsed } from '../problem.js'
import { optional, type Reader, record, text, andThen } from '../reader.js'
import { matching, onlyField, within } from '../shape.js'

/** DNS tells no case apart, and the final dot says nothing here. */
const canonicalName = (name: string): string => name.toLowerCase().replace(/\.$/, '')

const longestName = 255

const matchName: Reader<string> = andThen(
  matching(
    within(text, longestName),
    /^[-a-zA-Z0-9_]+(\.[-a-zA-Z0-9_]+)*\.?$/,
    'a DNS name',
    'labels of letters, digits, "-" and "_" with dots between them; patterns go into matchPattern',
  ),
  name => right(canonicalName(name)),
)

const matchPattern: Reader<string> = andThen(
  matching(
    within(text, longestName),
    /^[-a-zA-Z0-9_*]+(\.[-a-zA-Z0-9_*]+)*\.?$/,
    'a pattern of DNS names',
    'labels of letters, digits, "-", "_" and "*" with dots between them, such as *.example.com',
  ),
  pattern => right(canonicalName(pattern)),
)

/** An item of `toFQDNs`, or of a toPorts entry's `rules.dns`. */
export const fqdnSelector: Reader<FqdnSelector> = andThen(
  record({ matchName: optional(matchName, undefined), matchPattern: optional(matchPattern, undefined) }),
  ({ matchName, matchPattern }, path): Parsed<FqdnSelector> => {
    const only = onlyField({ matchName, matchPattern }, path)
    if (isLeft(only)) return only
    return right(matchName === undefined ? { pattern: only.right } : { name: only.right })
  },
)
