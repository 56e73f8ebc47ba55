import { type Explanation, type Origin, type SideExplanation, verdicts } from '@weir/core'

/**
 * The rules that decide a flow, in words: of a denied one those of the side that denies, of an allowed one those of both
 * sides. A default deny names the policies that isolate the pod.
 */
export function explainedCauses(explanation: Explanation): readonly string[] {
  const { egress, ingress } = explanation
  if (explanation.verdict === verdicts.allow) {
    const causes = [...sideCauses(egress), ...sideCauses(ingress)]
    return causes.length === 0 ? ['no policy isolates either end'] : causes
  }
  return [egress, ingress].flatMap(side => (side.verdict === verdicts.deny ? denyCauses(side) : []))
}

export function isAllowedBy(explanation: Explanation): boolean {
  return explanation.verdict === verdicts.allow
}

/** `NetworkPolicy shop/web spec.ingress[0]` */
export function originText({ policy, path }: Origin): string {
  return path === '' ? policy : `${policy} ${path}`
}

function sideCauses(side: SideExplanation): readonly string[] {
  if (side.reason === 'itself') return ['a pod always reaches itself']
  if (side.reason !== 'rule' || side.decidedBy === undefined) return []
  return [originText(side.decidedBy.origin)]
}

function denyCauses(side: SideExplanation): readonly string[] {
  if (side.reason === 'default-deny') return side.isolatedBy.map(origin => `default deny by ${originText(origin)}`)
  return side.decidedBy === undefined ? [] : [originText(side.decidedBy.origin)]
}
