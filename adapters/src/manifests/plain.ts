import type { PathStep } from '@weir/core/input/path.js'

/** A document as `readDocument` gives it, but for its text of lines. */
export interface PlainDocument {
  readonly data: unknown
  /** Line of the text, from 0, on which the field of a path stands. */
  readonly lineAt: (steps: readonly PathStep[]) => number
}

interface Line {
  readonly number: number
  readonly indent: number
  readonly text: string
}

/** What isn't of the subset. */
class Unusual extends Error {}

// Words that YAML 1.1 reads as something else than their letters, in any case.
const meaningful = /^(?:y|n|yes|no|on|off|true|false|null)$/i
// No longer than a key may be.
const word = '[A-Za-z_][A-Za-z0-9_./-]{0,250}'
const wordOnly = new RegExp(`^${word}$`)
const number = /^(?:0|[1-9][0-9]{0,14})$/
const address = /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:\/[0-9]{1,2})?$/
const doubleQuoted = /^"([^"\\]*)"$/
const singleQuoted = /^'([^']*)'$/
const keyAndRest = new RegExp(`^(${word}):(?: +(.*))?$`)
/** Levels that it follows; deeper ones are left to the whole reader. */
export const plainDepthMost = 32

function scalar(text: string): unknown {
  if (wordOnly.test(text) && !meaningful.test(text)) return text
  if (number.test(text)) return Number(text)
  if (text === '{}') return {}
  if (text === '[]') return []
  const quoted = doubleQuoted.exec(text) ?? singleQuoted.exec(text)
  if (quoted !== null) return quoted[1]
  if (address.test(text)) return text
  const list = /^\[([A-Za-z0-9_./ ,-]+)\]$/.exec(text)
  if (list !== null)
    return list[1]!.split(',').map(item => {
      const value = scalar(item.trim())
      // What looks like a collection in one needs the whole grammar.
      if (typeof value === 'object') throw new Unusual()
      return value
    })
  throw new Unusual()
}

/** Lines with something in them. */
function linesOf(text: string): Line[] {
  const lines: Line[] = []
  let number = 0
  for (const raw of text.split('\n')) {
    const body = raw.trimEnd()
    const indent = body.search(/[^ ]/)
    if (indent >= 0 && body[indent] !== '#') {
      if (number > 0 || body !== '---') {
        if (indent === 0 && /^(?:---|\.\.\.|%)/.test(body)) throw new Unusual()
        lines.push({ number, indent, text: body.slice(indent) })
      }
    }
    number += 1
  }
  return lines
}

/**
 * Reads the subset of YAML that most manifests are written in, many times as fast as a whole YAML reader: block maps and
 * lists of words, whole numbers, addresses and simple quotes, with `{}`, `[]` and lists of words on one line. Undefined
 * for anything else, broken or not: then the whole reader is asked. What both read, both read alike.
 */
export function readPlain(text: string): PlainDocument | undefined {
  // Tabs, anchors, comments behind values and all that is rare are left to the whole reader without a closer look.
  if (/[^\n -~]|[\t&*!|>%@`]| #/.test(text)) return undefined
  try {
    const reader = new PlainReader(linesOf(text))
    const data = reader.document()
    return { data, lineAt: steps => reader.lineAt(data, steps) }
  } catch (error) {
    if (error instanceof Unusual) return undefined
    throw error
  }
}

class PlainReader {
  readonly #lines: Line[]
  #at = 0
  /** Lines of the keys of a map, or of the items of a list. */
  readonly #places = new Map<unknown, Map<PathStep, number>>()
  #first = 0

  constructor(lines: Line[]) {
    this.#lines = lines
  }

  document(): unknown {
    const first = this.#lines[0]
    if (first === undefined || first.indent !== 0 || first.text.startsWith('- ')) throw new Unusual()
    this.#first = first.number
    const data = this.#map(0, 0)
    if (this.#at < this.#lines.length) throw new Unusual()
    return data
  }

  lineAt(data: unknown, steps: readonly PathStep[]): number {
    let line = this.#first
    let value = data
    for (const step of steps) {
      const place = this.#places.get(value)?.get(step)
      if (place === undefined) break
      line = place
      value = (value as Readonly<Record<PathStep, unknown>>)[step]
    }
    return line
  }

  #map(indent: number, depth: number): Record<string, unknown> {
    if (depth >= plainDepthMost) throw new Unusual()
    const found: Record<string, unknown> = {}
    const places = new Map<PathStep, number>()
    for (let line = this.#lines[this.#at]; line !== undefined; line = this.#lines[this.#at]) {
      if (line.indent < indent || (line.indent === indent && line.text.startsWith('- '))) break
      const [, key, rest] = (line.indent === indent && keyAndRest.exec(line.text)) || []
      if (key === undefined || meaningful.test(key) || key === '__proto__' || places.has(key)) throw new Unusual()
      places.set(key, line.number)
      this.#at += 1
      found[key] = rest === undefined || rest === '' ? this.#below(indent, depth) : scalar(rest)
    }
    this.#places.set(found, places)
    return found
  }

  /** What a key without a value on its line holds: a block further in, or a list that may stand as far out as the key. */
  #below(indent: number, depth: number): unknown {
    const next = this.#lines[this.#at]
    if (next === undefined || next.indent < indent) return null
    if (next.text.startsWith('- ')) return this.#list(next.indent, depth + 1)
    return next.indent > indent ? this.#map(next.indent, depth + 1) : null
  }

  #list(indent: number, depth: number): unknown[] {
    if (depth >= plainDepthMost) throw new Unusual()
    const found: unknown[] = []
    const places = new Map<PathStep, number>()
    for (let line = this.#lines[this.#at]; line !== undefined; line = this.#lines[this.#at]) {
      if (line.indent !== indent || !line.text.startsWith('- ')) {
        if (line.indent > indent) throw new Unusual()
        break
      }
      const item = line.text.slice(2).trimStart()
      const inner = indent + line.text.length - item.length
      places.set(found.length, line.number)
      if (keyAndRest.test(item)) {
        // The item is a map whose first key stands on this line.
        this.#lines[this.#at] = { number: line.number, indent: inner, text: item }
        found.push(this.#map(inner, depth + 1))
      } else {
        found.push(scalar(item))
        this.#at += 1
      }
    }
    this.#places.set(found, places)
    return found
  }
}
