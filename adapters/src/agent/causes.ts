import { type Explanation, type Origin, type SideExplanation, verdicts } from '@weir/core'

/**
 * The rules that decide a flow, in words: of a denied one those of the side that denies, of an allowed one those of both
 * sides. A default deny names the policies that isolate the pod.
 */
export function explainedCauses(explanation: Explanation): readonly string[] {
  const { egress, ingress } = explanation
  const sides = [egress, ingress]
  if (!isAllowedBy(explanation)) return sides.flatMap(side => (side.verdict === verdicts.allow ? [] : denyCauses(side)))
  const causes = new Set(sides.flatMap(allowCauses))
  return causes.size === 0 ? ['no policy isolates either end'] : [...causes]
}

export function isAllowedBy(explanation: Explanation): boolean {
  return explanation.verdict === verdicts.allow
}

/** `NetworkPolicy shop/web spec.ingress[0]`; a built-in rule has a name alone. */
export function originText({ policy, path, seq }: Origin): string {
  return path === '' || seq === 0 ? policy : `${policy} ${path}`
}

function allowCauses(side: SideExplanation): readonly string[] {
  if (side.reason === 'itself') return ['a pod always reaches itself']
  if (side.reason !== 'rule' || side.decidedBy === undefined) return []
  return [originText(side.decidedBy.origin)]
}

function denyCauses(side: SideExplanation): readonly string[] {
  if (side.reason === 'default-deny')
    return [`default deny (${side.direction}) by ${side.isolatedBy.map(({ policy }) => policy).join(', ')}`]
  return side.decidedBy === undefined ? [] : [originText(side.decidedBy.origin)]
}
