import { right } from 'fp-ts/lib/Either.js'
import { reservedIdentities, reservedLabel } from '../../identity/reserved.js'
import type { LabelSelector, Requirement } from '../../policy/selector.js'
import { labelKey, labelValue } from '../names.js'
import { nearestWord } from '../nearest.js'
import { type Parsed, refuse } from '../problem.js'
import { type Reader, text, andThen } from '../reader.js'
import { selectorOf } from '../selector.js'
import { unless } from '../shape.js'

/** Sources that Kubernetes' own labels are known by: to name them, or none, means the same. */
const plainSources = new Set(['k8s', 'any'])

const namespaceLabels = 'io.cilium.k8s.namespace.labels.'

/** Labels of namespaces stand behind a prefix that makes them longer than a key of its own may be. */
const bareKey: Reader<string> = (value, path) => {
  const inner =
    typeof value === 'string' && value.startsWith(namespaceLabels) ? value.slice(namespaceLabels.length) : ''
  return inner === ''
    ? labelKey(value, path)
    : andThen(labelKey, () => right(`${namespaceLabels}${inner}`))(inner, path)
}

const reservedNames = Object.keys(reservedIdentities)

/** Who is no pod has labels of a closed set. */
const reservedKey = (name: string, path: string): Parsed<string> =>
  reservedNames.includes(name)
    ? right(`reserved:${name}`)
    : refuse(
        path,
        'there is no such reserved label',
        `reserved:${name}`,
        nearestWord(name, reservedNames) ?? `one of ${reservedNames.join(', ')}`,
      )

/** A label key of a Cilium selector: `app`, `k8s:app` and `any:app` give `app`; `reserved:host` stays as it is. */
export const ciliumLabelKey: Reader<string> = (value, path) =>
  andThen(text, key => {
    const colon = key.indexOf(':')
    if (colon < 0) return bareKey(key, path)
    const source = key.slice(0, colon)
    if (!/^[a-z0-9][-a-z0-9]*$/.test(source))
      return refuse(path, 'the source before ":" is not one', key, 'such as k8s:app, any:app or reserved:host')
    const name = key.slice(colon + 1)
    if (source === 'reserved') return reservedKey(name, path)
    return andThen(bareKey, bare => right(plainSources.has(source) ? bare : `${source}:${bare}`))(name, path)
  })(value, path)

/** Reserved labels have no values. Who has the API server's is known by address alone, so it stands alone. */
const reservedProblems =
  (path: string, selector: LabelSelector) =>
  ({ key, operator, values }: Requirement): Parsed<unknown> => {
    if (!key.startsWith('reserved:')) return right(key)
    if (values.some(value => value !== ''))
      return refuse(path, 'reserved labels have no value', `${key}=${values.join(',')}`, `"${key}": ""`)
    const asks = operator === 'In' || operator === 'Exists'
    return key === reservedLabel('kube-apiserver') && asks && selector.length > 1
      ? refuse(path, `${key} stands beside other labels`, undefined, `${key} alone, or the entity kube-apiserver`)
      : right(key)
  }

/** A selector of endpoints or nodes, sources of label keys included. An empty one matches everything. */
export const ciliumSelector: Reader<LabelSelector> = andThen(selectorOf(ciliumLabelKey, labelValue), (selector, path) =>
  unless(selector, selector.map(reservedProblems(path, selector))),
)
