import { compareStates, type Direction, Engine, type PodFact, WeirError } from '@weir/core'
import { workloadName } from '@weir/core/compare/residents.js'
import type { EventLog, FlowStore, ReadFlows } from '@weir/store'
import { stringify } from 'yaml'
import { invalidWord } from '../agent/invalid-word.js'
import { MemberFinder } from '../agent/members.js'
import { restoreEngine } from '../agent/restore.js'
import { judgePast, type PastJudgement } from '../flows/what-if.js'
import { diffFacts } from '../manifests/diff.js'
import { readManifestStream } from '../manifests/stream.js'
import { type ClosingCount, closingOf } from './closing.js'
import { policyObject, type SuggestedPolicy } from './policy-object.js'
import { RuleMaker, type RuleOptions } from './rules.js'
import { seenTraffic } from './seen-traffic.js'

export interface SuggestOptions extends RuleOptions {
  /** Those that the policy is to isolate. */
  readonly directions: readonly Direction[]
}

/** A policy, and what it would come to. */
export interface Suggestion {
  readonly workload: string
  /** YAML; '' where nothing was seen that it could be made of. */
  readonly policy: string
  /** The workload's allowed flows that it was made of. */
  readonly flows: number
  /** Allowed flows of the workload that the log judges otherwise: left out. */
  readonly disputed: number
  /** All recorded flows with the policy in place. */
  readonly judgement: PastJudgement
  readonly closing: ClosingCount
  /** What it says more, or less, than was seen. */
  readonly notes: readonly string[]
}

/**
 * The policy that lets through what a workload's pods were seen to do, and nothing else; judged, as it is written, on all
 * recorded flows, and against the state at the log's end.
 *
 * @param word A workload, or one of its pods.
 * @throws WeirError WEIR_NOT_FOUND, WEIR_REQUEST_INVALID
 */
export async function suggestPolicy(
  log: EventLog,
  store: FlowStore,
  query: Omit<ReadFlows, 'newestFirst'>,
  word: string,
  options: SuggestOptions,
): Promise<Suggestion> {
  const { engine } = await restoreEngine(log, () => {})
  const workload = workloadOf(engine, word)
  const { ends, flows, disputed } = await seenTraffic(log, store, query, workload)
  const nothing = { closed: 0, wholly: 0, opened: 0 }
  const none = { workload, policy: '', flows, disputed, closing: nothing, notes: [] }
  if (flows === 0) return { ...none, judgement: { flows: 0, disputed: 0, changes: [] } }

  const maker = new RuleMaker(engine.state, options)
  const [namespace, name] = workload.split('/') as [string, string]
  const [labels = {}, ...more] = maker.labelsOf(workload, [])
  if (more.length > 0)
    throw invalidWord('', `the pods of ${workload} have no labels in common that are their own`, word, 'pods alike')
  const kind = options.dialect === 'k8s' ? 'NetworkPolicy' : 'CiliumNetworkPolicy'
  const policy: SuggestedPolicy = {
    ...{ namespace, name: freeName(engine, kind, namespace, name), labels },
    rules: Object.fromEntries(options.directions.map(direction => [direction, maker.rulesOf(ends[direction])])),
  }
  const text = stringify(policyObject(policy, options.dialect), { lineWidth: 0 })
  const drafts = await draftsOf(engine, text)
  const judgement = await judgePast(log, store, query, drafts)
  const after = Engine.restore(engine.snapshot())
  after.apply(drafts.map((draft, at) => ({ ...draft, seq: engine.seq + 1 + at })))
  const { changes, uncovered } = compareStates(engine, after)
  const notes = [...maker.notes]
  if (uncovered.length > 0) notes.push('not all pods that could come were compared')
  return { workload, policy: text, flows, disputed, judgement, closing: closingOf(changes), notes }
}

/** `namespace/workload` of the pods that a word means. */
function workloadOf(engine: Engine, word: string): string {
  const { members } = new MemberFinder(engine).find(word)
  const pods = members.flatMap(({ name }): readonly PodFact[] => {
    const pod = engine.state.pods.get(name)
    return pod === undefined ? [] : [pod.fact]
  })
  const [workload, ...others] = new Set(pods.map(workloadName))
  if (workload === undefined || others.length > 0 || pods.length < members.length)
    throw invalidWord('', `${word} isn't one workload`, word, 'a workload or a pod of it: shop/web')
  if (pods.some(({ hostNetwork }) => hostNetwork))
    throw invalidWord('', `${word} has the node's network, which no policy of pods selects`, word, 'other pods')
  return workload
}

/** A name that no policy of the namespace has: what is there stays. */
function freeName({ state }: Engine, kind: string, namespace: string, workload: string): string {
  const isTaken = (name: string): boolean =>
    kind === 'NetworkPolicy'
      ? state.policies.has(`${namespace}/${name}`)
      : state.ciliumPolicies.has(`${kind}/${namespace}/${name}`)
  let name = workload
  for (let number = 2; isTaken(name); number++) name = `${workload}-${number}`
  return name
}

/** The policy as a manifest's reader takes it, so that what is judged is what was written. */
async function draftsOf({ state }: Engine, text: string) {
  const { set } = await readManifestStream(
    (async function* () {
      yield text
    })(),
  )
  const problems = set.refusals.flatMap(refusal => refusal.problems)
  if (problems.length > 0)
    throw new WeirError('WEIR_INPUT_INVALID', 'the policy that would be suggested is refused', { problems })
  return diffFacts(state, set, { timeMs: state.timeMs, owns: () => false })
}
