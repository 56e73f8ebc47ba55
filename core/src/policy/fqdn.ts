const label = '[-a-z0-9_]'

/**
 * What a pattern asks of a DNS name; both in lower case, without the final dot. `*` alone is every name; `*` stands for
 * any characters of one label, a leading `**.` for one label or more. Neither `*.x` nor `**.x` matches `x`.
 */
export function nameMatcher(pattern: string): (name: string) => boolean {
  if (pattern === '*') return () => true
  const deep = pattern.startsWith('**.')
  const rest = (deep ? pattern.slice(3) : pattern).replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*+/g, `${label}*`)
  const expression = new RegExp(`^${deep ? `(${label}+\\.)+` : ''}${rest}$`)
  return name => expression.test(name)
}
