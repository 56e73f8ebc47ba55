import { resolve } from 'node:path'
import { type EventDraft, type ObjectKey, type Problem, WeirError } from '@weir/core'
import { enforcing } from '@weir/core/state/staged.js'
import type { ClusterState } from '@weir/core/state/state.js'
import { diffFacts } from '../manifests/diff.js'
import { readManifests } from '../manifests/read.js'
import { keyText, type ManifestObject, type ManifestSet } from '../manifests/set.js'
import { readManifestStream } from '../manifests/stream.js'
import type { CommandContext } from './command.js'
import { invalid } from './states.js'

/** Names that kubectl knows kinds by, beside their own and their plurals. */
const shortKinds: Readonly<Record<string, string>> = {
  netpol: 'networkpolicy',
  cnp: 'ciliumnetworkpolicy',
  ciliumnp: 'ciliumnetworkpolicy',
  ccnp: 'ciliumclusterwidenetworkpolicy',
  ccg: 'ciliumcidrgroup',
  clusternetpol: 'clusternetworkpolicy',
  ns: 'namespace',
  po: 'pod',
  svc: 'service',
  no: 'node',
  ep: 'endpointslice',
  anp: 'adminnetworkpolicy',
  banp: 'baselineadminnetworkpolicy',
}

/** `netpol`, `NetworkPolicy`, `networkpolicies`, `networkpolicies.networking.k8s.io` → `networkpolicy` */
function kindOf(word: string): string {
  const resource = word.toLowerCase().replace(/\..*$/, '')
  const one = resource.replace(/ies$/, 'y').replace(/([^s])s$/, '$1')
  return shortKinds[resource] ?? shortKinds[one] ?? one
}

/**
 * What would be said to a cluster: objects of manifests that are new or other than they are, and objects that go.
 *
 * @throws WeirError WEIR_INPUT_INVALID when a manifest is refused; WEIR_NOT_FOUND for an object that isn't there
 */
export async function proposalOf(
  context: CommandContext,
  state: ClusterState,
  files: readonly string[],
  deletions: readonly string[],
): Promise<readonly EventDraft[]> {
  const drafts: EventDraft[] = []
  const places = new Map<string, string>()
  for (const file of files) {
    const set = await manifestsOf(context, file)
    const problems = set.refusals.flatMap(refusal => refusal.problems)
    if (problems.length > 0)
      throw new WeirError('WEIR_INPUT_INVALID', `${file} would be refused`, { problems: problems as Problem[] })
    if (set.objects.length === 0)
      throw invalid(file, 'there is no object in it that Weir reads', 'a policy, a pod, a namespace, …')
    for (const { object, reason, file: where, line } of set.skipped)
      context.terminal.note(`weir: left out: ${where}:${line}: ${keyText(object)}: ${reason}`)
    for (const { object } of set.objects) {
      const other = places.get(keyText(object))
      if (other !== undefined) throw invalid(keyText(object), `it is in ${other} and in ${file}`, 'each object once')
      places.set(keyText(object), file)
    }
    drafts.push(...diffFacts(state, settledPods(set, state), { timeMs: state.timeMs, owns: () => false }))
  }
  for (const deletion of deletions) drafts.push(...deleting(state, deletion))
  return drafts
}

/** The facts that would put all that is staged into force. */
export const stagedDrafts = ({ staged, timeMs }: ClusterState): readonly EventDraft[] =>
  [...staged.values()].map(policy => ({ ...enforcing(policy), time: timeMs, source: 'staged' }))

/** A folder or a file, or with `-` what is on standard input. */
async function manifestsOf(context: CommandContext, file: string): Promise<ManifestSet> {
  if (file !== '-') return readManifests(resolve(context.workingFolder, file))
  return (await readManifestStream(context.stdin)).set
}

/** Pods that are there keep their node and addresses where a manifest leaves them open. */
function settledPods(set: ManifestSet, state: ClusterState): ManifestSet {
  const settled = (object: ManifestObject): ManifestObject => ({
    ...object,
    bodies: object.bodies.map(body => {
      if (body.kind !== 'pod.upserted') return body
      const { pod } = body
      const known = state.pods.get(`${pod.namespace}/${pod.name}`)?.fact
      if (known === undefined) return body
      const addresses = pod.addresses.length === 0 ? known.addresses : pod.addresses
      return { ...body, pod: { ...pod, addresses, node: pod.node === '' ? known.node : pod.node } }
    }),
  })
  return { ...set, objects: set.objects.map(settled) }
}

/** The events that take an object away: `KIND/NAMESPACE/NAME`, or `KIND/NAME` of one without a namespace. */
function deleting(state: ClusterState, word: string): readonly EventDraft[] {
  const parts = word.split('/')
  const [kind = '', ...rest] = parts
  if (rest.length < 1 || rest.length > 2 || parts.includes(''))
    throw invalid(word, "can't be read as an object", 'KIND/NAMESPACE/NAME, or KIND/NAME of one without a namespace')
  const [namespace, name] = rest.length === 1 ? ['', rest[0]!] : [rest[0]!, rest[1]!]
  const wanted = kindOf(kind)
  const seen: ObjectKey[] = []
  const owns = (key: ObjectKey): boolean => {
    seen.push(key)
    return key.kind.toLowerCase() === wanted && key.namespace === namespace && key.name === name
  }
  const nothing: ManifestSet = { root: '', objects: [], refusals: [], skipped: [], incomplete: false }
  const drafts = diffFacts(state, nothing, { timeMs: state.timeMs, owns })
  if (drafts.length > 0) return drafts.map(draft => ({ ...draft, source: 'what-if' }))
  const near = seen.filter(key => key.kind.toLowerCase() === wanted).map(keyText)
  throw new WeirError('WEIR_NOT_FOUND', `there is no ${word} to delete`, {
    kind: 'object',
    name: word,
    near: [...new Set(near)].slice(0, 5),
  })
}
