import type { NetworkPolicyFact, Spelling } from '../event/event.js'
import { fieldPath, itemPath } from './path.js'
import { isMap } from './reader.js'

type Fields = Readonly<Record<string, unknown>>

/** What a NetworkPolicy that is understood spells in a way that its fact doesn't show. */
export function spellingOf(raw: unknown): Pick<NetworkPolicyFact, 'spelling'> {
  const spec = isMap(raw) && isMap(raw.spec) ? raw.spec : {}
  const spelling = [
    ...impliedTypes(spec),
    ...(['ingress', 'egress'] as const).flatMap(section => ofSection(spec, section)),
  ]
  return spelling.length === 0 ? {} : { spelling }
}

const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** Without policyTypes rules for egress isolate ingress too, and an empty list of them isolates nothing. */
function impliedTypes({ policyTypes, ingress, egress }: Fields): readonly Spelling[] {
  if (items(policyTypes).length > 0 || !Array.isArray(egress)) return []
  if (egress.length === 0) return [{ kind: 'empty-list', path: 'spec.egress' }]
  return Array.isArray(ingress) ? [] : [{ kind: 'types-implied', path: 'spec.egress' }]
}

function ofSection(spec: Fields, section: 'ingress' | 'egress'): readonly Spelling[] {
  const [rules, path] = [items(spec[section]), fieldPath('spec', section)]
  const types = items(spec.policyTypes)
  const type = section === 'ingress' ? 'Ingress' : 'Egress'
  if (rules.length > 0 && types.length > 0 && !types.includes(type)) return [{ kind: 'section-left-out', path }]
  return rules.flatMap((rule, index) =>
    (isMap(rule) ? [section === 'ingress' ? 'from' : 'to', 'ports'] : [])
      .filter(field => Array.isArray((rule as Fields)[field]) && items((rule as Fields)[field]).length === 0)
      .map((field): Spelling => ({ kind: 'empty-list', path: fieldPath(itemPath(path, index), field) })),
  )
}
