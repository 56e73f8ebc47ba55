/**
 * Keys that differ from pod to pod of one workload, or echo what other fields say: they would give every pod an
 * identity of its own.
 */
export const defaultLabelFilter: readonly string[] = [
  'pod-template-hash',
  'pod-template-generation',
  'controller-revision-hash',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'batch.kubernetes.io/job-completion-index',
  'controller-uid',
  'batch.kubernetes.io/controller-uid',
  'job-name',
  'batch.kubernetes.io/job-name',
  'annotation.*',
]

interface Pattern {
  readonly keeps: boolean
  readonly expression: RegExp
}

/** Decides which label keys count for identities. Patterns are whole keys; `*` stands for any run of characters. */
export class LabelFilter {
  readonly #patterns: readonly Pattern[]
  readonly #decided = new Map<string, boolean>()

  /** @param configured patterns to leave out besides the defaults; with a leading `!`, to keep. The last match wins. */
  constructor(configured: readonly string[] = []) {
    this.#patterns = [...defaultLabelFilter, ...configured].map(text => {
      const keeps = text.startsWith('!')
      return { keeps, expression: wildcard(keeps ? text.slice(1) : text) }
    })
  }

  keeps(key: string): boolean {
    const known = this.#decided.get(key)
    if (known !== undefined) return known
    let keeps = true
    for (const pattern of this.#patterns) if (pattern.expression.test(key)) keeps = pattern.keeps
    // Keys come from users: without a bound a stream of new ones would grow the memory for ever.
    if (this.#decided.size >= 100_000) this.#decided.clear()
    this.#decided.set(key, keeps)
    return keeps
  }
}

const wildcard = (text: string): RegExp =>
  new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's')
