import type { PodFact } from '../event/event.js'
import { canonicalJson } from '../json.js'
import type { Row } from '../tables/tables.js'
import type { BlockList } from '../verdict/block-list.js'
import type { PeerAtom, PeerClassData, SubjectData } from '../verdict/model.js'
import { add, hash, sumHex, zero, type Sum } from './sum.js'

const hashes = new WeakMap<object, Sum>()

/** The hash of a thing's text, found once per thing. */
function once(thing: object, text: () => readonly string[]): Sum {
  let known = hashes.get(thing)
  if (known === undefined) {
    known = hash(...text())
    hashes.set(thing, known)
  }
  return known
}

/** What a class means: the set of selectors that hold. */
export const classMeaning = ({ atoms }: PeerClassData): string =>
  sumHex(atoms.reduce((sum, atom) => add(sum, atomMeaning(atom)), zero))

const atomMeaning = (atom: PeerAtom): Sum =>
  atom.kind === 'cidr' && atom.list !== undefined ? listMeaning(atom.list) : once(atom, () => ['atom', atom.text])

const listMeanings = new WeakMap<BlockList, { readonly revision: number; readonly hash: Sum }>()

/** What blocks mean together, whatever their order; found once for each change of the list. */
function listMeaning(list: BlockList): Sum {
  let known = listMeanings.get(list)
  if (known === undefined || known.revision !== list.revision) {
    let sum = zero
    for (const [text, peer] of list.peers)
      sum = add(
        sum,
        once(peer, () => ['block', text]),
      )
    known = { revision: list.revision, hash: hash('blocks', sumHex(sum)) }
    listMeanings.set(list, known)
  }
  return known.hash
}

/** What a subject means: its rules, and how it resolves their names. */
export function subjectMeaning({ rules, resolution }: SubjectData): string {
  let sum = zero
  for (const { saying } of rules)
    sum = add(
      sum,
      once(saying, () => ['rule', saying.text]),
    )
  for (const [key, number] of resolution) sum = add(sum, hash('resolution', key, `${number}`))
  return sumHex(sum)
}

/** What a row means: its steps. */
export const rowMeaning = (row: Row): string =>
  sumHex(once(row, () => ['row', ...row.steps.map(({ key, verdict }) => `${key}=${verdict}`)]))

export const addressMeaning = (address: string, identityLabels: readonly string[]): Sum =>
  hash('address', address, ...identityLabels)

export const endpointMeaning = (pod: PodFact, identityLabels: readonly string[]): Sum =>
  hash('endpoint', pod.namespace, pod.name, `${pod.addresses.length}`, ...pod.addresses, ...identityLabels)

export const identityMeaning = (labels: readonly string[]): Sum => hash('identity', ...labels)

/** @param kind of the object; every fact of one kind has the same fields */
export const policyMeaning = (kind: string, fact: object): Sum => hash('policy', kind, canonicalJson(fact))
