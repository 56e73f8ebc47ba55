import { readFileSync } from 'node:fs'
import { stringify } from 'yaml'

type Values = Readonly<Record<string, unknown>>

/** As much of Helm's templates as the chart has: values, `if` and `range` without `else`, `toYaml … | nindent`. */
export function rendered(file: string, values: Values): string {
  const lines = readFileSync(file, 'utf8').split('\n')
  return block(lines, { Values: values, Release: { Namespace: 'kube-system' } }, undefined).join('\n')
}

const opening = /^\s*\{\{-? (if|range) (\S+) \}\}$/
const closing = /^\s*\{\{-? end \}\}$/

function block(lines: readonly string[], scope: Values, item: unknown): string[] {
  const out: string[] = []
  for (let at = 0; at < lines.length; at++) {
    const [, word, path = ''] = opening.exec(lines[at]!) ?? []
    if (word === undefined) {
      out.push(filled(lines[at]!, scope, item))
      continue
    }
    const end = endOf(lines, at)
    const value = valueAt(path, scope, item)
    const items = word === 'range' ? (value as readonly unknown[]) : value ? [item] : []
    for (const each of items) out.push(...block(lines.slice(at + 1, end), scope, each))
    at = end
  }
  return out
}

function endOf(lines: readonly string[], start: number): number {
  let depth = 0
  for (let at = start; at < lines.length; at++) {
    if (opening.test(lines[at]!)) depth++
    if (closing.test(lines[at]!) && --depth === 0) return at
  }
  throw new Error(`line ${start + 1} has no end`)
}

function filled(line: string, scope: Values, item: unknown): string {
  const [, nested = '', indent] = /^\s*\{\{- toYaml (\S+) \| nindent (\d+) \}\}$/.exec(line) ?? []
  if (indent !== undefined)
    return stringify(valueAt(nested, scope, item))
      .trimEnd()
      .replace(/^/gm, ' '.repeat(Number(indent)))
  const text = line.replace(/\{\{ (\S+) \}\}/g, (_, path: string) => String(valueAt(path, scope, item)))
  if (text.includes('{{')) throw new Error(`not understood: ${line}`)
  return text
}

function valueAt(path: string, scope: Values, item: unknown): unknown {
  if (path === '.') return item
  return path
    .slice(1)
    .split('.')
    .reduce<unknown>((value, name) => {
      const found = (value as Values)[name]
      if (found === undefined) throw new Error(`there is no ${path}`)
      return found
    }, scope)
}
