import { type Engine, type FlowQuery, verdicts, WeirError } from '@weir/core'
import { socketText } from '@weir/core/service/backend-text.js'
import { explainedCauses } from './causes.js'
import type { FlowWords } from './asked-flows.js'
import type { ServiceAnswer, ServiceOutcome } from './service-answer.js'
import { findService } from './service-word.js'
import { parseTarget } from './target.js'
import { whoText } from './who-text.js'
import { whyService } from './why-service.js'

/** Whether the destination of a question means a service in a state. */
export function meansService(engine: Engine, { to }: FlowWords): boolean {
  try {
    return findService(engine, parseTarget(to)) !== undefined
  } catch (error) {
    if (error instanceof WeirError && error.code === 'WEIR_NOT_FOUND') return false
    throw error
  }
}

/** What becomes of connections to one port of a service, of clients that are treated alike. */
export interface ServiceWay {
  readonly from: string
  /** `shop/web` */
  readonly service: string
  readonly port: number
  readonly protocol: ServiceAnswer['protocol']
  readonly family: 4 | 6
  readonly outcome: ServiceOutcome
  /** Why there is no backend, or nothing there. */
  readonly lack?: string
  /** Those that are chosen: `10.0.0.1:8080/TCP`. */
  readonly backends: readonly { readonly backend: string; readonly pod: string }[]
  /** What policies say of the way to the backends, those together that are judged alike. */
  readonly verdicts: readonly {
    readonly to: string
    readonly port: number
    readonly state: 'allowed' | 'denied'
    readonly causes: readonly string[]
    /** Events of the rules that match. */
    readonly seqs: readonly number[]
  }[]
}

/** What a state makes of a question about a service; none where the service or the client isn't there. */
export function serviceWays(engine: Engine, words: FlowWords): readonly ServiceWay[] {
  return answersOf(engine, words).map(wayOf)
}

/** The flows to backends that policies deny, or allow. */
export function flowsToBackends(engine: Engine, words: FlowWords, state: 'allowed' | 'denied'): readonly FlowQuery[] {
  return answersOf(engine, words).flatMap(({ flows }) =>
    flows
      .filter(({ explanation }) => stateOf(explanation.verdict) === state)
      .map(({ explanation: { flow } }) => flow)
      .filter(({ from, to }) => from !== '' && to !== ''),
  )
}

const stateOf = (verdict: number): 'allowed' | 'denied' => (verdict === verdicts.allow ? 'allowed' : 'denied')

function answersOf(engine: Engine, { from, to }: FlowWords): readonly ServiceAnswer[] {
  try {
    const asked = findService(engine, parseTarget(to))
    return asked === undefined ? [] : whyService(engine, from, asked)
  } catch (error) {
    if (error instanceof WeirError && error.code === 'WEIR_NOT_FOUND') return []
    throw error
  }
}

function wayOf(answer: ServiceAnswer): ServiceWay {
  const { from, name, port, protocol, family, outcome, lack, backends, flows } = answer
  return {
    ...{ from: whoText(from), service: name, port, protocol, family, outcome },
    ...(lack !== undefined && { lack: lack.message }),
    backends: backends
      .filter(({ isChosen }) => isChosen)
      .map(({ address, port: own, pod }) => ({ backend: socketText(address, own, protocol), pod })),
    verdicts: flows.map(({ to, port: own, explanation }) => ({
      to: whoText(to),
      port: own,
      state: stateOf(explanation.verdict),
      causes: explainedCauses(explanation),
      seqs: [explanation.egress, explanation.ingress].flatMap(({ matched }) => matched.map(({ origin }) => origin.seq)),
    })),
  }
}

/** What ways come to, all together. */
export type ServiceOutcomes = 'allowed' | 'denied' | 'partly allowed' | 'refused' | 'not there'

export function outcomeOfWays(ways: readonly ServiceWay[]): ServiceOutcomes {
  const states = new Set(ways.flatMap(statesOf))
  if (states.size === 0) return 'not there'
  if (states.size > 1) return states.has('allowed') ? 'partly allowed' : 'denied'
  return [...states][0]!
}

function statesOf({ outcome, verdicts: judged }: ServiceWay): readonly Exclude<ServiceOutcomes, 'partly allowed'>[] {
  switch (outcome) {
    case 'notThere':
      return ['not there']
    case 'refused':
    case 'outsideRanges':
      return ['refused']
    case 'untouched':
    case 'externalName':
      return ['allowed']
    case 'balanced':
    case 'headless':
      return judged.length === 0 ? ['refused'] : judged.map(({ state }) => state)
  }
}
