import { prefixText, type Prefix } from '../address/address.js'
import type { LabelMap } from '../identity/labels.js'
import { placeKeys } from '../identity/node-labels.js'
import { reservedLabel } from '../identity/reserved.js'
import { entryOf } from '../multimap.js'
import { matchesSelector, selectorText } from '../policy/match.js'
import type { Family } from '../policy/rule.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'
import { peerText } from '../policy/text.js'
import { BlockPeers } from './block-peers.js'
import type { End } from './ends.js'
import { answered, type LabelSets, LabelSpace, type Question } from './label-sets.js'
import { type Prospects, prospectName, type Role } from './prospects.js'
import type { NamedPrefixes } from './residents.js'
import type { Face } from './rule-book.js'

/** What every node has, to other nodes and their pods, and to itself and its own pods. */
const everyNode: readonly LabelMap[] = (['remote-node', 'host'] as const).map(
  entity =>
    new Map([
      [reservedLabel(entity), ''],
      [placeKeys.node, ''],
    ]),
)

const noPorts: ReadonlyMap<string, number> = new Map()
const families: readonly Family[] = [4, 6]

/**
 * The nodes that no state has and that no two of those that are there stand for: one end for each kind that the rules of
 * roles tell apart, family and prefix.
 * @param nodes those that are there
 * @param limit most sets of labels that are looked into
 * @param every leave none out, also where one that is there is like them
 */
export function nodeProspects(
  roles: readonly Role[],
  nodes: readonly End[],
  prefixes: NamedPrefixes,
  limit: number,
  every: boolean,
): Prospects {
  const selectors = [...new Map(roles.flatMap(role => role.selectors.map(each => [selectorText(each), each]))).values()]
  const blocks = new BlockPeers(roles.flatMap(role => role.blocks.map(block => [peerText(block), block] as const)))
  const questions = questionsOf(selectors)
  const known = new Map<string, Set<string>>()
  for (const { name, family, faces, ownFaces } of every ? [] : nodes) {
    const answers = faces.map(({ labels }) => answersOf(questions, labels))
    if (ownFaces === undefined || answers.some(answer => answer !== answers[0])) continue
    const key = `${answers[0]} ${family} ${blocks.around('node', faces.at(-1)!.address).join('; ')}`
    entryOf(known, key, () => new Set()).add(name)
  }
  const space = new LabelSpace(goalsOf(roles, selectors), limit)
  const addresses = families.flatMap(family => addressesOf(family, nodes, prefixes, blocks))
  const ends: End[] = []
  for (const sets of space.sets(questions, new Map())) {
    for (const [address, signature] of addresses) {
      const like = known.get(`${sets.holds.join()} ${address.family} ${signature}`) ?? new Set()
      // One node alone says nothing of what it and another of its kind may send each other.
      if (like.size < 2) ends.push(endOf(sets, address, [...like][0]))
    }
  }
  return { ends, left: space.left }
}

const isNodeLabel = (key: string): boolean => key.startsWith(placeKeys.nodeLabels)

/** Each selector is asked of a node twice: as others know it, and as its own pods do. */
function questionsOf(selectors: readonly LabelSelector[]): Question[] {
  const all = selectors.map((rest, id): Question => ({ id, rest }))
  return everyNode.flatMap((labels, at) =>
    answered(all, key => !isNodeLabel(key), labels).map(({ id, rest }) => ({
      id: id + at * selectors.length,
      rest: rest.map(withoutPrefix),
    })),
  )
}

const withoutPrefix = (requirement: Requirement): Requirement => ({
  ...requirement,
  key: requirement.key.slice(placeKeys.nodeLabels.length),
})

/** Numbers of the questions that hold of a node that is there, rising. */
function answersOf(questions: readonly Question[], face: LabelMap): string {
  const labels = new Map(
    [...face]
      .filter(([key]) => isNodeLabel(key))
      .map(([key, value]) => [key.slice(placeKeys.nodeLabels.length), value] as const),
  )
  return questions
    .filter(({ rest }) => matchesSelector(rest, labels))
    .map(({ id }) => id)
    .sort((a, b) => a - b)
    .join()
}

function goalsOf(roles: readonly Role[], selectors: readonly LabelSelector[]): ReadonlySet<number> | undefined {
  const texts = new Set<string>()
  for (const { goals } of roles) {
    if (goals === 'any') return undefined
    for (const goal of goals) texts.add(selectorText(goal))
  }
  return new Set(
    selectors.flatMap((selector, id) => (texts.has(selectorText(selector)) ? [id, id + selectors.length] : [])),
  )
}

/** Where nodes have their addresses, one prefix of those that the blocks don't tell apart. */
function addressesOf(
  family: Family,
  nodes: readonly End[],
  prefixes: NamedPrefixes,
  blocks: BlockPeers,
): readonly (readonly [Prefix, string])[] {
  const own = nodes.filter(end => end.family === family).flatMap(({ faces }) => faces.map(({ address }) => address))
  if (own.length === 0 && nodes.length > 0) return []
  // Where a rule names the very address of a node, none is left for another.
  const free = own.filter(({ length }) => length < (family === 4 ? 32 : 128))
  const bySignature = new Map<string, Prefix>()
  for (const address of free.length > 0 ? free : [prefixes.unknown(family)])
    entryOf(bySignature, blocks.around('node', address).join('; '), () => address)
  return [...bySignature].map(([signature, prefix]) => [prefix, signature])
}

function endOf({ labels, cubes }: LabelSets, address: Prefix, like: string | undefined): End {
  const name = prospectName(cubes)
  const own = [...labels].map(([key, value]) => [placeKeys.nodeLabels + key, value] as const)
  const [face, ownFace] = everyNode.map(
    (fixed): Face => ({ kind: 'node', labels: new Map([...fixed, ...own]), ports: noPorts, address }),
  )
  // Both states know it alike.
  const inEach = <Value>(value: Value): readonly Value[] => [value, value]
  return {
    kind: 'node',
    name,
    workload: name,
    family: address.family,
    faces: inEach(face!),
    ownFaces: inEach(ownFace!),
    hosts: inEach(name),
    present: inEach(false),
    prospect: {
      cubes,
      namespaces: [],
      ...(address.length > 0 && { within: prefixText(address) }),
      ...(like !== undefined && { like }),
    },
  }
}
