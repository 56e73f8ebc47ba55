import { right } from 'fp-ts/lib/Either.js'
import { RE2JS } from 're2js'
import { refuse } from '../problem.js'
import { type Reader, text, andThen } from '../reader.js'
import { within } from '../shape.js'

/**
 * No path, method or host is longer, and compiling costs time in proportion: a manifest must not be able to keep the
 * agent busy with one rule.
 */
const longestExpression = 4096

/** A regular expression of RE2's syntax, as the proxies read it: no look-around, no back-references, linear time. */
export const regularExpression: Reader<string> = andThen(within(text, longestExpression), (source, path) => {
  try {
    RE2JS.compile(source)
    return right(source)
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error)
    const message = `this is not a regular expression: ${reason.slice(0, 200)}`
    return refuse(path, message, source, 'RE2 syntax, without look-around and back-references')
  }
})
