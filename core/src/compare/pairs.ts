import type { EndClass } from './classes.js'
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
  if (from.kind !== 'node' && to.kind !== 'node') {
    if (isOnePod(from, to)) return []
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

/** Who is no pod is judged by nobody: between two such there is nothing to compare. */
const concerns = (from: EndClass, to: EndClass): boolean => isPod(from) || isPod(to)
const isPod = ({ kind }: EndClass): boolean => kind === 'pod' || kind === 'hypothetical'

/** A pod always reaches itself. */
const isOnePod = (from: EndClass, to: EndClass): boolean =>
  from.kind === 'pod' &&
  to.kind === 'pod' &&
  from.members[0]!.name === to.members[0]!.name &&
  from.members.every(({ name }) => name === from.members[0]!.name) &&
  to.members.every(({ name }) => name === to.members[0]!.name)

interface Share {
  readonly own: readonly boolean[]
  /** The pods that meet such a node among them. */
  readonly members: End[]
}

function ownership(pods: EndClass, nodes: EndClass): Iterable<Share> & Share[] {
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
