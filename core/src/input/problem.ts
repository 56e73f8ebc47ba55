import { type Either, isLeft, left } from 'fp-ts/lib/Either.js'
import type { Problem } from '../errors.js'

/** What reading an input gives: everything that is wrong with it, or what it means. */
export type Parsed<A> = Either<readonly Problem[], A>

const longestValue = 120

/**
 * A value as JSON, cut to 120 characters. Looks only at as much of the value as it shows, so that neither size nor
 * cycles matter.
 */
export const shortened = (value: unknown): string => {
  let text = ''
  const write = (part: string) => {
    text += part.slice(0, longestValue + 1 - text.length)
  }
  const full = () => text.length > longestValue
  const render = (item: unknown): void => {
    if (full()) return
    if (typeof item === 'string') write(JSON.stringify(item.slice(0, longestValue)))
    else if (typeof item !== 'object' || item === null) write(String(item))
    else if (Array.isArray(item)) renderList(item)
    else renderMap(item as Readonly<Record<string, unknown>>)
  }
  const renderList = (items: readonly unknown[]) => {
    write('[')
    for (let index = 0; index < items.length && !full(); index++) {
      if (index > 0) write(',')
      render(items[index])
    }
    write(']')
  }
  const renderMap = (map: Readonly<Record<string, unknown>>) => {
    write('{')
    let first = true
    for (const key in map) {
      if (full()) break
      if (!first) write(',')
      first = false
      write(`${JSON.stringify(key.slice(0, longestValue))}:`)
      render(map[key])
    }
    write('}')
  }
  render(value)
  return full() ? `${text.slice(0, longestValue - 1)}…` : text
}

/** One problem, as the left side of what a reader returns. A value of undefined is a missing one and not shown. */
export const refuse = (path: string, message: string, value: unknown, expected: string): Parsed<never> => {
  const shown = value === undefined ? {} : { value: shortened(value) }
  return left([{ path, message, ...shown, expected }])
}

/** The refusal of a field that must be there. */
export const missing = (path: string, expected: string): Parsed<never> =>
  refuse(path, 'this field is required', undefined, expected)

/** Everything that is wrong: nothing, where something was understood. */
export const problemsOf = (parsed: Parsed<unknown>): readonly Problem[] => (isLeft(parsed) ? parsed.left : [])
