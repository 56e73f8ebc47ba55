import type { EndClass } from './classes.js'
import type { Direction } from '../policy/rule.js'
import type { End } from './ends.js'

/** Flows from some ends to others that every state judges alike: all members of one with all of the other. */
export interface Pair {
  readonly from: EndClass
  readonly to: EndClass
  readonly fromMembers: readonly End[]
  readonly toMembers: readonly End[]
  /** By state: true when a node among them is the pods' own, false when it is another one. All false without a node. */
  readonly own: readonly boolean[]
}

/** The pairs of two classes: one, but for pods with nodes, where it matters which of them are the pods' own. */
export function pairsOf(from: EndClass, to: EndClass, states: number): Pair[] {
  if (from.family !== to.family || !concerns(from, to)) return []
  const { members: fromMembers } = from
  const { members: toMembers } = to
  if (!(isPod(from) && to.kind === 'node') && !(from.kind === 'node' && isPod(to))) {
    if (isOne(from, to)) return []
    return [{ from, to, fromMembers, toMembers, own: Array.from({ length: states }, () => false) }]
  }
  const pods = from.kind === 'node' ? to : from
  const nodes = from.kind === 'node' ? from : to
  return ownership(pods, nodes).map(({ own, members }) =>
    from.kind === 'node'
      ? { from, to, fromMembers, toMembers: members, own }
      : { from, to, fromMembers: members, toMembers, own },
  )
}

/** Pods can be judged, and nodes that rules select; between others there is nothing to say. */
const concerns = (from: EndClass, to: EndClass): boolean => canBeJudged(from, 'egress') || canBeJudged(to, 'ingress')

/** Whether there is something to say of the end's traffic with everybody, whatever the other end is. */
export const canBeJudged = (end: EndClass, direction: Direction): boolean => isPod(end) || isSelected(end, direction)
const isPod = ({ kind }: EndClass): boolean => kind === 'pod' || kind === 'hypothetical'
const isSelected = ({ standings }: EndClass, direction: Direction): boolean =>
  standings.some(({ rules }) => rules[direction].some(({ rule }) => rule.origin.seq > 0))

/** A pod always reaches itself, and so does a node; of nodes to come there may be several of a kind. */
const isOne = (from: EndClass, to: EndClass): boolean =>
  (from.kind === 'pod' || from.kind === 'node') &&
  to.kind === from.kind &&
  from.members[0]!.prospect === undefined &&
  from.members[0]!.name === to.members[0]!.name &&
  from.members.every(({ name }) => name === from.members[0]!.name) &&
  to.members.every(({ name }) => name === to.members[0]!.name)

interface Share {
  readonly own: readonly boolean[]
  /** The pods that meet such a node among them. */
  readonly members: End[]
}

function ownership(pods: EndClass, nodes: EndClass): Iterable<Share> & Share[] {
  // A pod to come may run on any node that there is, or on another.
  if (pods.kind === 'hypothetical' && pods.members.some(({ prospect }) => prospect !== undefined)) {
    const places = nodes.members.some(({ name }) => name !== '') ? [true, false] : [false]
    return places.map(isOwn => ({ own: pods.standings.map(() => isOwn), members: [...pods.members] }))
  }
  const like = nodes.members[0]!.prospect?.like
  if (like !== undefined) {
    const members = pods.members.filter(({ hosts }) => hosts.includes(like))
    return members.length > 0 ? [{ own: pods.standings.map(() => false), members }] : []
  }
  const names = new Set(nodes.members.map(({ name }) => name))
  const shares = new Map<string, Share>()
  for (const pod of pods.members) {
    const { hosts } = pod
    const special = new Set(hosts.filter(host => host !== '' && names.has(host)))
    const met = [...special].map(name => hosts.map(host => host === name))
    if (special.size < names.size) met.push(hosts.map(() => false))
    for (const own of met) {
      const share = shares.get(own.join()) ?? { own, members: [] }
      shares.set(own.join(), share)
      share.members.push(pod)
    }
  }
  return [...shares.values()]
}
