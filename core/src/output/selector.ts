import type { LabelSelector } from '../policy/selector.js'
import type { Written } from './written.js'

/** A LabelSelector: `matchLabels` for what asks for one value, `matchExpressions` for the rest; `{}` for everything. */
export function writtenSelector(selector: LabelSelector): Written {
  const isPlain = ({ key, operator, values }: LabelSelector[number]): boolean =>
    operator === 'In' && values.length === 1 && selector.filter(each => each.key === key).length === 1
  const plain = selector.filter(isPlain)
  const others = selector.filter(each => !isPlain(each))
  return {
    ...(plain.length > 0 && { matchLabels: Object.fromEntries(plain.map(({ key, values }) => [key, values[0]])) }),
    ...(others.length > 0 && {
      matchExpressions: others.map(({ key, operator, values }) => ({
        key,
        operator,
        ...(values.length > 0 && { values }),
      })),
    }),
  }
}
