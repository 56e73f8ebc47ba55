import { type EndpointFact, type Engine, type Problem, WeirError } from '@weir/core'
import { cniAnswer, cniCallOf } from '../cni/call.js'
import { backendFacts } from './backend-word.js'
import type { Agent } from './agent.js'
import { flowFilterOf, matchesFlow } from '../flows/filter.js'
import { sourceAt } from './log-events.js'
import { answersTo } from './question.js'
import { type Kind, kinds, type SnapshotAnswer } from './protocol.js'
import { type Answer, type Lines, notFound, type Question } from './server.js'
import { entriesOf, type EventSource, type SourceOf } from './event-source.js'
import { viewOf } from './views.js'
import { withWaiting } from './waiting-views.js'
import type { ServiceDetail } from './why-service.js'

/** The kernel's numbers of devices are positive ints. */
const ifindexMost = 2 ** 31 - 1

/** Most events that one question gets. */
const eventsLimit = 1000

/** What the agent answers; see `protocol.ts` for the shapes. */
export function answerer(agent: Agent): (question: Question) => Promise<Answer> {
  const sources = new Map<number, EventSource>()
  const sourceOf = async (seq: number): Promise<EventSource> => {
    const known = sources.get(seq)
    if (known !== undefined) return known
    const source = await sourceAt(agent.log, seq)
    sources.set(seq, source)
    return source
  }
  return async question => {
    const [subject, ...rest] = question.path
    if (question.method === 'POST') {
      if (subject === 'endpoints' && rest.length === 0)
        return value(await agent.attachEndpoint(endpointOf(question.body)))
      if (subject === 'flows' && rest.length === 1 && rest[0] === 'flush') {
        await agent.history?.flush()
        return value({ folder: agent.history?.figures.folder })
      }
      if (subject === 'cni' && rest.length === 0 && agent.cni !== undefined)
        return cniAnswer(await agent.cni.call(cniCallOf(question.body)))
      if (subject === 'backends' && rest.length === 0)
        return value(await agent.submit('operator', backendFacts(question.body)))
      throw notFound(`POST /v1/${question.path.join('/')}`)
    }
    if (question.method === 'DELETE') {
      const [namespace, pod] = rest
      if (subject === 'endpoints' && namespace !== undefined && pod !== undefined && rest.length === 2)
        return value(await agent.detachEndpoint(namespace, pod))
      throw notFound(`DELETE /v1/${question.path.join('/')}`)
    }
    if (question.method !== 'GET') throw notFound(`${question.method} /v1/${question.path.join('/')}`)
    switch (subject) {
      case 'status':
        return value(await agent.status())
      case 'digest':
        return value({ seq: agent.engine.seq, ...agent.engine.digest() })
      case 'get':
        return value(await view(agent, kindOf(rest[0]), question.query.get('name') ?? undefined, sourceOf))
      case 'why':
        return value(
          await answersTo(agent.engine, required(question, 'from'), required(question, 'to'), sourceOf, {
            ...detailOf(agent, question),
            ...stagedOf(agent),
          }),
        )
      case 'flows':
        if (rest.length !== 1 || rest[0] !== 'staged') throw notFound(`/v1/${question.path.join('/')}`)
        return value(agent.staged.view)
      case 'snapshot':
        return value(await snapshotOf(agent.engine, sourceOf))
      case 'log':
        return value(await eventsOf(agent, question))
      case 'observe':
        return { kind: 'lines', lines: observation(agent, question) }
      default:
        throw notFound(`/v1/${question.path.join('/')}`)
    }
  }
}

function detailOf({ maglev }: Agent, question: Question): ServiceDetail {
  const fromPort = wholeNumber(question, 'fromPort')
  if (fromPort !== undefined && (fromPort < 1 || fromPort > 65_535))
    throw invalid('fromPort', `${fromPort} is no port`, String(fromPort), 'a port from 1 to 65535')
  return { maglev, ...(fromPort !== undefined && { fromPort }) }
}

/** The agent has the engine already that would be made for the answer. */
function stagedOf({ staged: { engine } }: Agent): { readonly staged?: Engine } {
  return engine === undefined ? {} : { staged: engine }
}

async function snapshotOf(engine: Engine, sourceOf: SourceOf): Promise<SnapshotAnswer> {
  const answer = { seq: engine.seq, engine: engine.snapshot() }
  const seqs = [...engine.rules()].map(({ origin }) => origin.seq)
  return { ...answer, sources: await entriesOf(seqs, sourceOf) }
}

async function eventsOf(agent: Agent, question: Question): Promise<object> {
  const head = agent.log.head.seq
  const from = wholeNumber(question, 'from') ?? Math.max(1, head - 99)
  const to = Math.min(wholeNumber(question, 'to') ?? head, from + eventsLimit - 1)
  const events: unknown[] = []
  for await (const batch of agent.log.read({ from, to })) events.push(...batch)
  return { head, events }
}

async function view(
  agent: Agent,
  kind: Kind,
  name: string | undefined,
  sourceOf: SourceOf,
): Promise<readonly object[]> {
  const rows = await viewOf(agent.engine, kind, name, sourceOf)
  return withWaiting(
    kind,
    rows,
    agent.sources.map(({ status }) => status),
  )
}

/** Flows kept from before, then those to come. */
function observation(agent: Agent, question: Question): Lines {
  const filter = flowFilterOf(question.query)
  const last = wholeNumber(question, 'last') ?? 0
  const follow = question.query.get('follow') !== 'false'
  return (line, end) => {
    const before = [...agent.flows.kept()].filter(flow => matchesFlow(flow, filter))
    for (const flow of last === 0 ? [] : before.slice(-last)) line(flow)
    if (!follow) {
      end()
      return () => {}
    }
    const live = agent.flows.live.subscribe({
      next: flow => void (matchesFlow(flow, filter) && line(flow)),
      complete: end,
    })
    return () => live.unsubscribe()
  }
}

/** @throws WeirError WEIR_REQUEST_INVALID with each field that isn't right. */
function endpointOf(body: unknown): EndpointFact {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Readonly<Record<string, unknown>>
  const problems: Problem[] = []
  const word = (path: string, pattern: RegExp, expected: string): string => {
    const given = fields[path]
    if (typeof given === 'string' && pattern.test(given)) return given
    problems.push({ path, message: 'not usable', value: JSON.stringify(given) ?? 'absent', expected })
    return ''
  }
  const name = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/
  const mac = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/
  const ifindex = fields.ifindex
  if (typeof ifindex !== 'number' || !Number.isInteger(ifindex) || ifindex < 1 || ifindex > ifindexMost)
    problems.push({
      path: 'ifindex',
      message: 'not usable',
      value: JSON.stringify(ifindex) ?? 'absent',
      expected: `a whole number from 1 to ${ifindexMost}`,
    })
  const endpoint: EndpointFact = {
    namespace: word('namespace', name, 'a namespace'),
    pod: word('pod', name, "a pod's name"),
    ifindex: Number(ifindex),
    ifname: word('ifname', /^[^\s/]{1,15}$/, 'a device name'),
    hostMac: word('hostMac', mac, 'aa:bb:cc:dd:ee:ff'),
    podMac: word('podMac', mac, 'aa:bb:cc:dd:ee:ff'),
  }
  if (problems.length > 0) throw new WeirError('WEIR_REQUEST_INVALID', "the endpoint can't be understood", { problems })
  return endpoint
}

function kindOf(word: string | undefined): Kind {
  const found = kinds.find(kind => kind === word)
  if (found !== undefined) return found
  throw invalid('kind', `there is no kind ${word ?? ''}`, word ?? '', kinds.join(', '))
}

function required(question: Question, field: string): string {
  const given = question.query.get(field)
  if (given === null || given === '')
    throw invalid(field, `${field} is missing`, '', 'a pod, an address, host or world')
  return given
}

function wholeNumber(question: Question, field: string): number | undefined {
  const given = question.query.get(field)
  if (given === null) return undefined
  const value = Number(given)
  if (!/^\d+$/.test(given) || !Number.isSafeInteger(value))
    throw invalid(field, `${field} is not a whole number`, given, 'a whole number')
  return value
}

function invalid(path: string, message: string, given: string, expected: string): WeirError<'WEIR_REQUEST_INVALID'> {
  return new WeirError('WEIR_REQUEST_INVALID', message, { problems: [{ path, message, value: given, expected }] })
}

function value(given: unknown): Answer {
  return { kind: 'value', value: given }
}
