import { defaultLabelFilter } from '../identity/filter.js'
import { derivedKeys } from '../identity/labels.js'
import { digitsOf, type Keyed } from './keyed.js'

/** Words that Kubernetes and Weir give a meaning, and that every cluster has. */
const commonWords: ReadonlySet<string> = new Set(['', 'default', 'kubernetes', 'kube-system'])

/** Keys that pods are known by in every cluster; those of the domains below, too. */
const commonKeys: ReadonlySet<string> = new Set([
  derivedKeys.namespace,
  derivedKeys.serviceAccount,
  derivedKeys.cluster,
  ...defaultLabelFilter.filter(pattern => !pattern.includes('*')),
])
const commonDomains = /^(?:[a-z0-9.-]+\.)?(?:kubernetes|k8s)\.io\//
const keyPrefixes = [derivedKeys.namespaceLabels, 'annotation.']

/** Words whose order counts somewhere: of claims to one address the lower name's wins, of equal rules the first policy's. */
export interface OrderedWords {
  readonly namespaces: Iterable<string>
  /** Of all other objects. */
  readonly names: Iterable<string>
}

/**
 * Words under others: digits that follow from a key. Names of objects have their place in order before them, within one
 * file; what comes after it is the same in all files of a key.
 */
export class WordPseudonyms {
  readonly #keyed: Keyed
  readonly #namespaces: ReadonlyMap<string, string>
  readonly #names: ReadonlyMap<string, string>
  readonly #known = new Map<string, string>()

  constructor(keyed: Keyed, { namespaces, names }: OrderedWords) {
    this.#keyed = keyed
    // Names are compared behind their namespace and a slash.
    this.#namespaces = this.#ranked('y', namespaces, word => `${word}/`)
    this.#names = this.#ranked('z', names, word => word)
  }

  word(text: string): string {
    if (commonWords.has(text)) return text
    return this.#noted(text, `q${digitsOf(this.#keyed, text)}`)
  }

  namespace(text: string): string {
    const ranked = this.#namespaces.get(text)
    return ranked === undefined ? this.word(text) : this.#noted(text, ranked)
  }

  /** Of an object that isn't a namespace. */
  objectName(text: string): string {
    const ranked = this.#names.get(text)
    return ranked === undefined ? this.word(text) : this.#noted(text, ranked)
  }

  labelKey(key: string): string {
    if (commonKeys.has(key) || key.startsWith('reserved:') || commonDomains.test(key)) return key
    for (const prefix of keyPrefixes)
      if (key.startsWith(prefix)) return prefix + this.labelKey(key.slice(prefix.length))
    const source = /^([a-z0-9-]+:)(.+)$/.exec(key)
    return source === null ? this.word(key) : source[1]! + this.word(source[2]!)
  }

  /** A value may be a namespace's name. */
  labelValue(value: string): string {
    return this.namespace(value)
  }

  labels(labels: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(labels).map(([key, value]) => [this.labelKey(key), this.labelValue(value)]),
    )
  }

  /** A DNS name, or a pattern of whole labels: label by label. */
  domain(name: string): string {
    return name
      .split('.')
      .map(label => (label === '*' || label === '**' ? label : this.word(label)))
      .join('.')
  }

  /** What stands for words and their originals, so far. */
  get known(): ReadonlyMap<string, string> {
    return this.#known
  }

  #ranked(letter: string, words: Iterable<string>, orderOf: (word: string) => string): ReadonlyMap<string, string> {
    const sorted = [...new Set(words)]
      .filter(word => !commonWords.has(word))
      .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
    const width = Math.max(3, String(sorted.length).length)
    return new Map(
      sorted.map((word, at) => [word, `${letter}${String(at).padStart(width, '0')}-${digitsOf(this.#keyed, word)}`]),
    )
  }

  #noted(text: string, pseudonym: string): string {
    this.#known.set(pseudonym, text)
    return pseudonym
  }
}
