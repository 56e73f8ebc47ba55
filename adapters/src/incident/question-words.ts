import { isIP } from 'node:net'
import { canonicalSelector, type LabelSelector } from '@weir/core'
import type { Pseudonyms } from '@weir/core/pseudonym/pseudonyms.js'
import type { FlowWords } from '../agent/asked-flows.js'
import { isEntity } from '../agent/members.js'
import { isSelector, parseSelector } from '../agent/selector-word.js'
import { parseTarget } from '../agent/target.js'

/** The question about a flow, in a file's other words. */
export function otherWords({ from, to }: FlowWords, others: Pseudonyms): FlowWords {
  const { place, port, protocol } = parseTarget(to)
  const other = otherWord(place, others)
  if (port === undefined) return { from: otherWord(from, others), to: other }
  const asked = /^[\d.*-]+$/.test(port) ? port : others.words.word(port)
  const end = `${asked}${protocol === undefined ? '' : `/${protocol}`}`
  return {
    from: otherWord(from, others),
    to: `${other.includes(':') && !isSelector(other) ? `[${other}]` : other}:${end}`,
  }
}

function otherWord(word: string, others: Pseudonyms): string {
  if (isIP(word) !== 0 || /^[\da-fA-F:.]+\/\d+$/.test(word)) return others.addresses.of(word)
  if (isEntity(word) || word.startsWith('reserved:')) return word
  if (isSelector(word)) return selectorWord(word, others)
  const [, name, namespace] = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.|$)/i.exec(word) ?? []
  if (name !== undefined && namespace !== undefined)
    return `${others.words.objectName(name)}.${others.words.namespace(namespace)}.svc`
  const parts = word.split('/')
  if (parts.length === 1) return others.words.objectName(word)
  const last = others.words.objectName(parts.at(-1)!)
  if (parts.length === 3) return `${others.words.namespace(parts[0]!)}/${parts[1]}/${last}`
  const first = parts[0]!
  return `${others.vocabulary.namespaces.has(first) ? others.words.namespace(first) : first}/${last}`
}

/** As `parseSelector` reads it. */
const selectorWord = (word: string, others: Pseudonyms): string =>
  canonicalSelector(others.selector(parseSelector(word)))
    .map(requirementWord)
    .join(',')

function requirementWord({ key, operator, values }: LabelSelector[number]): string {
  const sourced = key.startsWith('reserved:') ? key : `k8s:${key}`
  switch (operator) {
    case 'In':
      return `${sourced} in (${values.join(',')})`
    case 'NotIn':
      return `${sourced} notin (${values.join(',')})`
    case 'Exists':
      return sourced
    case 'DoesNotExist':
      return `!${sourced}`
  }
}
