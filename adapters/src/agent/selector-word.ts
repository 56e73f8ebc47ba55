import { canonicalSelector, derivedKeys, type LabelSelector, type Requirement } from '@weir/core'
import { invalidWord } from './invalid-word.js'

/** Shorter names of what a pod has from its surroundings; with a source (`k8s:ns`) a label of that name is meant. */
const shortKeys: Readonly<Record<string, string>> = {
  ns: derivedKeys.namespace,
  namespace: derivedKeys.namespace,
  sa: derivedKeys.serviceAccount,
  serviceaccount: derivedKeys.serviceAccount,
}

const grammar = 'KEY=VALUE, KEY!=VALUE, KEY in (A,B), KEY notin (A,B), KEY, !KEY, joined by commas; ns=NAMESPACE'

/** Whether a word can only be a selector: names and addresses have neither of these. */
export const isSelector = (word: string): boolean => /[=!()]|^(?:k8s|any|reserved):/.test(word)

/**
 * Reads a label selector as kubectl writes them, keys also with a source as in Cilium's policies.
 *
 * @throws WeirError WEIR_REQUEST_INVALID
 */
export function parseSelector(word: string): LabelSelector {
  const parts = word.split(/,(?![^(]*\))/).map(part => part.trim())
  return canonicalSelector(parts.map(part => requirementOf(part, word)))
}

function requirementOf(part: string, word: string): Requirement {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/i.exec(part)
  if (set !== null) {
    const values = [...new Set(set[3]!.split(',').map(value => value.trim()))].sort()
    if (values.some(value => !isValue(value))) throw unreadable(part, word)
    return { key: keyOf(set[1]!, word), operator: set[2]!.toLowerCase() === 'in' ? 'In' : 'NotIn', values }
  }
  const equal = /^([^=!\s]+)\s*(==?|!=)\s*(\S*)$/.exec(part)
  if (equal !== null) {
    if (!isValue(equal[3]!)) throw unreadable(part, word)
    return { key: keyOf(equal[1]!, word), operator: equal[2] === '!=' ? 'NotIn' : 'In', values: [equal[3]!] }
  }
  const lone = /^(!?)\s*([^=!\s()]+)$/.exec(part)
  if (lone === null) throw unreadable(part, word)
  return { key: keyOf(lone[2]!, word), operator: lone[1] === '!' ? 'DoesNotExist' : 'Exists', values: [] }
}

function keyOf(text: string, word: string): string {
  const sourced = /^(?:k8s|any):(.+)$/.exec(text)
  const key = sourced?.[1] ?? shortKeys[text.toLowerCase()] ?? text
  if (!/^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(key)) throw unreadable(text, word)
  return key
}

const isValue = (value: string): boolean => value === '' || /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(value)

const unreadable = (part: string, word: string) =>
  invalidWord('', `can't be read as a label selector: ${part === word ? word : `${part} in ${word}`}`, word, grammar)
