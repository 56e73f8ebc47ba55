import {
  type Candidate,
  type Engine,
  type FrontendRow,
  type FrontendScope,
  type Lack,
  noBackend,
  objectKey,
  type Protocol,
} from '@weir/core'
import { containsPrefix, parseAddress, parsePrefix } from '@weir/core/address/address.js'
import type { TableOptions } from '@weir/datapath/services/table-builds.js'
import { rulesOfBoth } from '../staged/would-be.js'
import { invalidWord } from './invalid-word.js'
import { defaultTables, tableAnswer } from './maglev-slots.js'
import { type Meant, type Member, MemberFinder } from './members.js'
import { familyOf } from './places.js'
import { entriesOf, type SourceOf } from './event-source.js'
import type { WhyAnswer } from './protocol.js'
import type { AnsweredBackend, AnsweredFrontend, ServiceAnswer } from './service-answer.js'
import { placesAsked, type Place } from './service-places.js'
import type { AskedService } from './service-word.js'
import { named, whyBetween, withSources } from './why.js'

/** Most backends that policies are asked about for one answer. */
const judgedMax = 256

/** Most answers that one question gets. */
const answersMax = 1000

/** What an answer takes that isn't of the log. */
export interface ServiceDetail {
  /** As the agents are told; the defaults when absent. */
  readonly maglev?: TableOptions
  /** Of the client: which slot its next connection comes to. */
  readonly fromPort?: number
  /** An engine at the same event that has staged policies in force, where there are any. */
  readonly staged?: Engine
}

/**
 * What becomes of connections to a service: which endpoints they may reach and why, and what policies say of each.
 *
 * @throws WeirError WEIR_NOT_FOUND for a client or a port that isn't there; WEIR_REQUEST_INVALID
 */
export function whyService(
  engine: Engine,
  from: string,
  asked: AskedService,
  detail: ServiceDetail = {},
): readonly ServiceAnswer[] {
  const finder = new MemberFinder(rulesOfBoth(engine, detail.staged))
  const sources = finder.find(from)
  const answers: ServiceAnswer[] = []
  for (const family of [4, 6] as const) {
    const clients = sources.members.filter(({ ends }) => ends[family] !== undefined)
    for (const [scope, members] of byScope(engine, clients, family))
      for (const place of placesAsked(engine, asked, scope, family))
        for (const lane of lanesOf(engine, members, place, family))
          answers.push(answerOf(engine, finder, sources, lane, place, family, detail))
  }
  if (answers.length > answersMax)
    throw invalidWord('', `${answers.length} answers are too many`, from, 'fewer clients, or one port')
  if (answers.length === 0) {
    const message = `${sources.name} and what is asked for have no address family in common`
    throw invalidWord('from', message, from, 'a client of the same family')
  }
  return distinct(answers)
}

/** Answers with where the events behind them came from. */
export async function withServiceSources(
  answers: readonly ServiceAnswer[],
  sourceOf: SourceOf,
): Promise<readonly ServiceAnswer[]> {
  return Promise.all(
    answers.map(async answer => {
      const { frontend, backends } = answer
      const seqs = [...(frontend?.causes ?? []), ...backends.flatMap(({ causes }) => causes)]
      const sources = await entriesOf(seqs, sourceOf)
      return { ...answer, sources, flows: await withSources(answer.flows, sourceOf) }
    }),
  )
}

/** Clients by what they see: pods and nodes the inside of the cluster, everybody else the outside. */
function byScope(
  engine: Engine,
  members: readonly Member[],
  family: 4 | 6,
): ReadonlyMap<FrontendScope, readonly Member[]> {
  const scopes = new Map<string, FrontendScope>()
  const found = new Map<FrontendScope, Member[]>()
  for (const member of members) {
    const known = scopes.get(member.alike)
    const scope = known ?? scopeOf(engine, member, family)
    scopes.set(member.alike, scope)
    found.set(scope, [...(found.get(scope) ?? []), member])
  }
  return found
}

function scopeOf(engine: Engine, { ends }: Member, family: 4 | 6): FrontendScope {
  const end = ends[family]!
  if (typeof end !== 'string') return end.kind === 'world' ? 'external' : 'internal'
  const nobody = family === 4 ? '192.0.2.1' : '2001:db8::1'
  const { from } = engine.explain({ from: end, to: nobody, protocol: 6, port: 1 })
  return from.kind === 'world' ? 'external' : 'internal'
}

/** Clients that one place treats alike. */
interface Lane {
  readonly members: readonly Member[]
  readonly isInRanges: boolean
  /** They are backends of a redirect that spares its own. */
  readonly isSpared: boolean
}

function lanesOf(engine: Engine, members: readonly Member[], { row }: Place, family: 4 | 6): readonly Lane[] {
  const lanes = new Map<string, { members: Member[]; isInRanges: boolean; isSpared: boolean }>()
  const spared = row?.fromBackends === undefined ? new Set<string>() : addressesOf(engine, row.selection)
  for (const member of members) {
    const end = member.ends[family]!
    const isInRanges = row?.sourceRanges === undefined || isWithin(end, row.sourceRanges)
    const isSpared = typeof end === 'string' && spared.has(end)
    const key = `${isInRanges} ${isSpared}`
    const lane = lanes.get(key) ?? { members: [], isInRanges, isSpared }
    lanes.set(key, lane)
    lane.members.push(member)
  }
  return [...lanes.values()]
}

function addressesOf({ tables }: Engine, selection: number): ReadonlySet<string> {
  const members = tables.selections.get(selection)?.backends ?? []
  return new Set(members.flatMap(number => tables.backends.get(number)?.address ?? []))
}

function isWithin(end: Member['ends'][4] & {}, ranges: readonly string[]): boolean {
  const asked = typeof end === 'string' ? parseAddress(end) : end.within
  return ranges.some(range => {
    const prefix = parsePrefix(range)
    return asked !== undefined && prefix !== undefined && containsPrefix(prefix, asked)
  })
}

function answerOf(
  engine: Engine,
  finder: MemberFinder,
  sources: Meant,
  { members, isInRanges, isSpared }: Lane,
  place: Place,
  family: 4 | 6,
  detail: ServiceDetail,
): ServiceAnswer {
  const { row, addresses, name, port, protocol, portName } = place
  const base = {
    kind: 'service',
    from: named(members, sources, family),
    name,
    port,
    protocol,
    portName,
    family,
    conflicts: place.conflicts,
    sources: [],
    seq: engine.seq,
  } as const
  const nothing = { backends: [], flows: [], unjudged: 0 }
  if (row === undefined) {
    const outcome = place.outcome ?? 'notThere'
    const { direct = [] } = place
    const reached = direct.filter(({ isChosen }) => isChosen)
    const flows = judged(engine, finder, { ...sources, members }, reached, place, family, detail.staged)
    const unjudged = Math.max(0, reached.length - judgedMax)
    return { ...base, outcome, ...(place.lack && { lack: place.lack }), backends: direct, flows, unjudged }
  }
  const frontend = {
    ...frontendOf(engine, row, addresses),
    ...tableOf(engine, row, addresses, members, family, detail),
  }
  if (isSpared && row.fromBackends === 0) return { ...base, outcome: 'untouched', frontend, ...nothing }
  const under = isSpared ? { ...row, kind: 'clusterIp' as const, ...ownerOf(engine, row) } : row
  const candidates = engine.frontendCandidates(under)
  const backends = answered(engine, candidates)
  const chosen = backends.filter(({ isChosen }) => isChosen)
  if (!isInRanges) return { ...base, outcome: 'outsideRanges', frontend, backends, flows: [], unjudged: 0 }
  if (chosen.length > 0) {
    const flows = judged(engine, finder, { ...sources, members }, chosen, place, family, detail.staged)
    const unjudged = Math.max(0, chosen.length - judgedMax)
    return { ...base, outcome: 'balanced', frontend, backends, flows, unjudged }
  }
  const lack = lackOf(engine, place, family, candidates)
  return { ...base, outcome: 'refused', frontend, ...(lack && { lack }), backends, flows: [], unjudged: 0 }
}

/** The service whose traffic a redirect takes. */
function ownerOf({ state }: Engine, { address, namespace, name }: FrontendRow): { namespace: string; name: string } {
  const redirect = state.localRedirects.get(objectKey(namespace, name))?.fact
  const frontend = redirect?.frontend
  const service = [...state.services.values()].find(({ fact }) => fact.clusterIps.includes(address))?.fact
  return { namespace, name: frontend?.kind === 'service' ? frontend.service : (service?.name ?? name) }
}

function frontendOf(engine: Engine, row: FrontendRow, addresses: readonly string[]): AnsweredFrontend {
  const { kind, scope, port, affinitySeconds, local, sourceRanges } = row
  const causes = engine.frontendCauses(row)
  return { kind, scope, addresses, port, affinitySeconds, local, ...(sourceRanges && { sourceRanges }), causes }
}

/** The table and, of one client whose port is known, its slots. */
function tableOf(
  engine: Engine,
  row: FrontendRow,
  addresses: readonly string[],
  members: readonly Member[],
  family: 4 | 6,
  { maglev = defaultTables, fromPort }: ServiceDetail,
): Pick<AnsweredFrontend, 'table'> {
  const address = members.length === 1 ? members[0]!.ends[family] : undefined
  const isKnown = typeof address === 'string' && fromPort !== undefined
  const table = tableAnswer(engine, row, addresses, maglev, isKnown ? { address, port: fromPort } : undefined)
  return table === undefined ? {} : { table }
}

function answered(engine: Engine, candidates: readonly Candidate[]): readonly AnsweredBackend[] {
  const sum = candidates.reduce((total, { isChosen, weight }) => total + (isChosen ? weight : 0), 0)
  return candidates.map(({ backend, endpoint, standing, isChosen, weight }) => ({
    address: backend.address,
    port: backend.port,
    node: endpoint.node ?? '',
    zone: backend.zone,
    pod: endpoint.pod ?? '',
    state: backend.state,
    standing,
    isChosen,
    weight,
    share: isChosen ? weight / sum : 0,
    causes: engine.backendCauses(backend),
  }))
}

function lackOf(
  { state }: Engine,
  { row, service, servicePort }: Place,
  family: 4 | 6,
  candidates: readonly Candidate[],
): Lack | undefined {
  if (service === undefined || servicePort === undefined) return undefined
  const policy = row?.kind === 'clusterIp' ? 'internalTrafficPolicy' : 'externalTrafficPolicy'
  return noBackend(state, service, servicePort, family, candidates, policy)
}

/** What policies say of the clients and the backends that they may reach. */
function judged(
  engine: Engine,
  finder: MemberFinder,
  sources: Meant,
  backends: readonly AnsweredBackend[],
  { name, protocol }: { readonly name: string; readonly protocol: Protocol },
  family: 4 | 6,
  staged: Engine | undefined,
): readonly WhyAnswer[] {
  const byPort = new Map<number, Member[]>()
  for (const { address, port } of backends.slice(0, judgedMax)) {
    if (familyOf(address) !== family) continue
    const [member] = finder.find(address).members
    if (member !== undefined) byPort.set(port, [...(byPort.get(port) ?? []), member])
  }
  return [...byPort].flatMap(([port, members]) => {
    const target = { place: name, port: String(port), protocol }
    return whyBetween(engine, sources, { name, members }, target, name, staged)
  })
}

/** Families and addresses that say the same in all but addresses stay apart; what is the same twice is told once. */
const distinct = (answers: readonly ServiceAnswer[]): readonly ServiceAnswer[] => [
  ...new Map(answers.map(answer => [JSON.stringify(answer), answer])).values(),
]
