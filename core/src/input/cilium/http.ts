import { right } from 'fp-ts/lib/Either.js'
import type { HeaderMatch, HttpRule, SecretReference } from '../../event/cilium.js'
import { dnsLabel, dnsSubdomain } from '../names.js'
import { refuse } from '../problem.js'
import { listOf, oneOf, optional, optionalText, type Reader, record, text, andThen } from '../reader.js'
import { filled, matching, present } from '../shape.js'
import { regularExpression } from './regular-expression.js'

/** A Secret by name; without a namespace it is the policy's own. */
export const secretReference: Reader<SecretReference> = record({
  namespace: optionalText(dnsLabel, ''),
  name: dnsSubdomain,
})

/** RFC 9110: the name of a field is a token, its value visible text with blanks and tabs inside. */
const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a value must not have
const controlCharacter = /[\u0000-\u0008\u000a-\u001f\u007f]/

/** `Name` or `Name: value`, with one blank after the colon. */
const header: Reader<string> = andThen(text, (source, path) => {
  const colon = source.indexOf(':')
  const name = (colon < 0 ? source : source.slice(0, colon)).trim()
  const value = colon < 0 ? '' : source.slice(colon + 1).trim()
  if (!headerName.test(name) || controlCharacter.test(value))
    return refuse(path, 'this is not a header', source, '"Name: value", or "Name" alone')
  return right(value === '' ? name : `${name}: ${value}`)
})

const headerMatch: Reader<HeaderMatch> = andThen(
  record({
    name: matching(
      filled(text, 'the name of a header'),
      headerName,
      'the name of a header',
      'letters, digits and "-", without a colon',
    ),
    value: optionalText(text, undefined),
    mismatch: optional(oneOf(['LOG', 'ADD', 'DELETE', 'REPLACE']), 'reject' as const),
    secret: optional(secretReference, undefined),
  }),
  ({ name, mismatch, value, secret }) => right({ name, mismatch, ...present({ value, secret }) }),
)

/** An item of `rules.http`. The empty string counts as absent, as in Cilium. */
export const httpRule: Reader<HttpRule> = andThen(
  record({
    path: optionalText(regularExpression, undefined),
    method: optionalText(regularExpression, undefined),
    host: optionalText(regularExpression, undefined),
    headers: optional(listOf(header), [] as readonly string[]),
    headerMatches: optional(listOf(headerMatch), [] as readonly HeaderMatch[]),
  }),
  ({ path, method, host, headers, headerMatches }) =>
    right({ ...present({ path, method, host }), headers, headerMatches }),
)
