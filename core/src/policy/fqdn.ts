const known = new Map<string, RegExp>()

/**
 * Whether a pattern matches a DNS name; both in lower case, without the final dot. `*` alone is every name; `*` stands
 * for any characters of one label, a leading `**.` for one label or more. Neither `*.x` nor `**.x` matches `x`.
 */
export function matchesName(pattern: string, name: string): boolean {
  let expression = known.get(pattern)
  if (expression === undefined) {
    expression = expressionOf(pattern)
    // Patterns come from users: without a bound a stream of new ones would grow the memory for ever.
    if (known.size >= 10_000) known.clear()
    known.set(pattern, expression)
  }
  return expression.test(name)
}

const label = '[-a-z0-9_]'

function expressionOf(pattern: string): RegExp {
  if (pattern === '*') return /^/
  const deep = pattern.startsWith('**.')
  const rest = (deep ? pattern.slice(3) : pattern).replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*+/g, `${label}*`)
  return new RegExp(`^${deep ? `(${label}+\\.)+` : ''}${rest}$`)
}
