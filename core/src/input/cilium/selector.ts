import { right } from 'fp-ts/lib/Either.js'
import { labelKey, labelValue } from '../names.js'
import { refuse } from '../problem.js'
import { type Reader, text, andThen } from '../reader.js'
import { selectorOf } from '../selector.js'

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

/** A label key of a Cilium selector: `app`, `k8s:app` and `any:app` give `app`; `reserved:host` stays as it is. */
export const ciliumLabelKey: Reader<string> = (value, path) =>
  andThen(text, key => {
    const colon = key.indexOf(':')
    if (colon < 0) return bareKey(key, path)
    const source = key.slice(0, colon)
    if (!/^[a-z0-9][-a-z0-9]*$/.test(source))
      return refuse(path, 'the source before ":" is not one', key, 'such as k8s:app, any:app or reserved:host')
    return andThen(bareKey, bare => right(plainSources.has(source) ? bare : `${source}:${bare}`))(
      key.slice(colon + 1),
      path,
    )
  })(value, path)

/** A selector of endpoints or nodes, sources of label keys included. An empty one matches everything. */
export const ciliumSelector = selectorOf(ciliumLabelKey, labelValue)
