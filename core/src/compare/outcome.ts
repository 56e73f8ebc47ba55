import type { Direction, Origin } from '../policy/rule.js'
import type { Piece, SideRow } from './side.js'

/** What one end's rules contribute to a verdict. */
export interface Cause {
  readonly direction: Direction
  /** `open`: no rule of this end says anything. */
  readonly kind: 'rule' | 'default-deny' | 'open'
  /** The rules that decide, or the policies that isolate. */
  readonly origins: readonly Origin[]
}

/** What becomes of flows, and by which rules. */
export interface Outcome {
  readonly allowed: boolean
  /** What a proxy must find in the traffic, as text. Such flows are denied as long as no proxy runs. */
  readonly l7?: string
  /** Of a denial, the ends that deny; of an allowance, both. */
  readonly causes: readonly Cause[]
}

/** An outcome for a range of packet keys. */
export interface Stretch {
  readonly first: number
  readonly last: number
  readonly outcome: Outcome
}

/** A flow passes when its source's egress and its destination's ingress both let it. */
export function outcomesOf(egress: SideRow, ingress: SideRow): Stretch[] {
  return overlay(egress.pieces, ingress.pieces, (out, into) => outcomeOf(out, into))
}

/** Cuts two rows at the edges of both. Rows have no gaps. */
export function overlay<A extends Span, B extends Span>(
  a: readonly A[],
  b: readonly B[],
  join: (a: A, b: B) => Outcome,
): Stretch[] {
  const stretches: Stretch[] = []
  for (const [first, last, left, right] of meetings(a, b)) stretches.push({ first, last, outcome: join(left, right) })
  return stretches
}

interface Span {
  readonly first: number
  readonly last: number
}

/** Every overlap of two rows in rising order. */
export function* meetings<A extends Span, B extends Span>(
  a: readonly A[],
  b: readonly B[],
): Iterable<readonly [first: number, last: number, a: A, b: B]> {
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const left = a[i]!
    const right = b[j]!
    const last = Math.min(left.last, right.last)
    yield [Math.max(left.first, right.first), last, left, right]
    if (left.last === last) i += 1
    if (right.last === last) j += 1
  }
}

function outcomeOf(egress: Piece, ingress: Piece): Outcome {
  const sides = [causeOf('egress', egress), causeOf('ingress', ingress)] as const
  if (egress.allowed && ingress.allowed) return { allowed: true, causes: sides }
  const denying = [egress, ingress].filter(({ allowed }) => !allowed)
  const causes = sides.filter((_, at) => !(at === 0 ? egress : ingress).allowed)
  const l7 = denying.map(piece => piece.l7)
  return { allowed: false, ...(!l7.includes(undefined) && { l7: l7.join(' and ') }), causes }
}

function causeOf(direction: Direction, { rules, allowed }: Piece): Cause {
  const origins = rules.map(({ rule }) => rule.origin)
  const isolates = !allowed && rules.every(({ rule }) => rule.tier === 'namespaced' && rule.order === 3)
  return { direction, kind: rules.length === 0 ? 'open' : isolates ? 'default-deny' : 'rule', origins }
}

/** A cause as a few words: `NetworkPolicy shop/web spec.ingress[0]`, `default deny (ingress) of NetworkPolicy shop/web`. */
export function causeText({ direction, kind, origins }: Cause): string {
  switch (kind) {
    case 'open':
      return `no policy isolates (${direction})`
    case 'default-deny':
      return `default deny (${direction}) of ${unique(origins.map(({ policy }) => policy)).join(', ')}`
    case 'rule':
      return unique(origins.map(({ policy, path, seq }) => (seq === 0 ? policy : `${policy} ${path}`))).join(', ')
  }
}

/** All causes of an outcome; of an allowance only the rules, unless there is none. */
export function outcomeText({ causes }: Outcome): string {
  const ruled = causes.filter(({ kind }) => kind !== 'open')
  return ruled.length === 0 ? 'no policy isolates either end' : ruled.map(causeText).join(' and ')
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)].sort()
