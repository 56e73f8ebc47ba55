import type { FqdnSelector } from '../event/cilium.js'
import { nameMatcher } from '../policy/fqdn.js'
import { canonicalSelector } from '../policy/match.js'
import type { LabelSelector } from '../policy/selector.js'
import { AddressPseudonyms } from './addresses.js'
import { digitsOf, type Keyed } from './keyed.js'
import type { Vocabulary } from './vocabulary.js'
import { WordPseudonyms } from './words.js'

/** Pseudonyms of one file: the same original has the same one everywhere in it. */
export class Pseudonyms {
  readonly words: WordPseudonyms
  readonly addresses: AddressPseudonyms
  readonly vocabulary: Vocabulary
  readonly #keyed: Keyed
  readonly #unsaid = new Set<string>()

  constructor(keyed: Keyed, vocabulary: Vocabulary) {
    this.#keyed = keyed
    this.words = new WordPseudonyms(keyed, vocabulary)
    this.addresses = new AddressPseudonyms(keyed)
    this.vocabulary = vocabulary
  }

  /** Regular expressions and patterns that only a placeholder stands for: what they match can't be told any more. */
  get unsaid(): ReadonlySet<string> {
    return this.#unsaid
  }

  selector(selector: LabelSelector): LabelSelector {
    return canonicalSelector(
      selector.map(({ key, operator, values }) => ({
        key: this.words.labelKey(key),
        operator,
        values: values.map(value => this.words.labelValue(value)).sort(),
      })),
    )
  }

  /**
   * A literal under its word, with what it begins with where that is a slash; of an expression that isn't one a placeholder
   * of its own.
   */
  literal(text: string): string {
    if (/^\/?[\w-]*$/.test(text))
      return text.startsWith('/') ? `/${this.words.word(text.slice(1))}` : this.words.word(text)
    this.#unsaid.add(text)
    return `unsaid-${digitsOf(this.#keyed, text)}`
  }

  /**
   * DNS names as they are asked for. A pattern with a star and more in one label becomes the names that it matches, as far
   * as there are answers for them, and a placeholder.
   */
  fqdn(fqdn: FqdnSelector): readonly FqdnSelector[] {
    if ('name' in fqdn) return [{ name: this.words.domain(fqdn.name) }]
    const { pattern } = fqdn
    if (pattern.split('.').every(label => !label.includes('*') || label === '*' || label === '**'))
      return [{ pattern: this.words.domain(pattern) }]
    this.#unsaid.add(pattern)
    const matches = nameMatcher(pattern)
    const names = [...this.vocabulary.domains].filter(matches)
    return [
      ...names.map(name => ({ name: this.words.domain(name) })),
      { name: `unsaid-${digitsOf(this.#keyed, pattern)}` },
    ]
  }
}
