import { type Problem, protocolNumbers, WeirError } from '@weir/core'
import { reservedIdentities } from '@weir/core/identity/reserved.js'
import { reasons } from '@weir/datapath/flow/reasons.js'
import { containsPrefix, parseAddress, parsePrefix } from '@weir/core/address/address.js'
import type { FlowEnd, FlowRecord, ServiceName } from '../agent/protocol.js'

type Test = (flow: FlowRecord, word: string) => boolean
type EndTest = (end: FlowEnd, word: string, service: ServiceName | undefined) => boolean

/** A name, or `namespace/name`; `*` at the end stands for any characters. */
function isNamed(namespace: string | undefined, name: string | undefined, word: string): boolean {
  if (namespace === undefined || name === undefined) return false
  const given = word.includes('/') ? `${namespace}/${name}` : name
  return word.endsWith('*') ? given.startsWith(word.slice(0, -1)) : given === word
}

/** `app=web`, `app!=web`, `app`, `!app`; several with commas, which all have to hold. Sources may be left out. */
function hasLabels(labels: readonly string[], word: string): boolean {
  const known = new Set(labels.flatMap(label => [label, label.slice(label.indexOf(':') + 1)]))
  const keys = new Set([...known].map(label => label.split('=', 1)[0]))
  return word.split(',').every(part => {
    const [, key = '', value = ''] = /^([^!=]+)!=(.*)$/.exec(part) ?? []
    if (key !== '') return !known.has(`${key}=${value}`)
    if (part.startsWith('!')) return !keys.has(part.slice(1))
    return part.includes('=') ? known.has(part.replace('==', '=')) : keys.has(part)
  })
}

function isWithin(address: string, word: string): boolean {
  const [inner, outer] = [parseAddress(address), word.includes('/') ? parsePrefix(word) : parseAddress(word)]
  return inner !== undefined && outer !== undefined && containsPrefix(outer, inner)
}

const ends: Readonly<Record<string, EndTest>> = {
  pod: (end, word) => isNamed(end.namespace, end.pod, word),
  namespace: (end, word) => end.namespace === word,
  label: (end, word) => hasLabels(end.labels, word),
  ip: (end, word) => isWithin(end.address, word),
  port: (end, word) => String(end.port) === word,
  identity: (end, word) => String(end.identity) === word || end.labels.includes(`reserved:${word}`),
  service: (_, word, service) => isNamed(service?.namespace, service?.name, word),
}

const verdictWords = new Map<string, readonly FlowRecord['verdict'][]>([
  ['allowed', ['allowed']],
  ['forwarded', ['allowed']],
  ['denied', ['denied']],
  ['dropped', ['dropped']],
])

/** Words in capitals are Hubble's: it calls dropped what a policy denies, too. */
const verdictsOf = (word: string): readonly FlowRecord['verdict'][] =>
  word === 'DROPPED' ? ['denied', 'dropped'] : (verdictWords.get(word.toLowerCase()) ?? [])

/** `POLICY_DENIED`, `Policy denied` */
const plainReason = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()

/** Names of protocols by what people write: their own, Hubble's for ICMP, numbers. */
const protocolWords = new Map<string, string>([
  ...Object.entries(protocolNumbers).flatMap(([name, number]): [string, string][] => [
    [name.toLowerCase(), name],
    [String(number), name],
  ]),
  ['icmpv4', 'ICMP'],
])

const whole: Readonly<Record<string, Test>> = {
  protocol: (flow, word) => flow.protocol === (protocolWords.get(word.toLowerCase()) ?? word),
  verdict: (flow, word) => verdictsOf(word).includes(flow.verdict),
  'drop-reason-desc': (flow, word) => flow.reason !== '' && plainReason(flow.reason) === plainReason(word),
  type: (flow, word) => (word === 'drop' ? flow.verdict !== 'allowed' : flow.verdict !== 'dropped'),
  'traffic-direction': (flow, word) => flow.traffic_direction === word.toLowerCase(),
  'tcp-flags': (flow, word) => {
    const flags = flow.protocol === 'TCP' ? (flow.detail?.split(' ') ?? []) : []
    return word.split(',').every(each => flags.includes(each.toUpperCase()))
  },
  'ip-version': (flow, word) => (flow.source.address.includes(':') ? 'v6' : 'v4') === word,
}

const ofSource =
  (test: EndTest): Test =>
  (flow, word) =>
    test(flow.source, word, flow.source_service)
const ofDestination =
  (test: EndTest): Test =>
  (flow, word) =>
    test(flow.destination, word, flow.destination_service)

const tests: ReadonlyMap<string, Test> = new Map([
  ...Object.entries(ends).flatMap(([name, test]): [string, Test][] => [
    [name, (flow, word) => ofSource(test)(flow, word) || ofDestination(test)(flow, word)],
    [`from-${name}`, ofSource(test)],
    [`to-${name}`, ofDestination(test)],
  ]),
  ...Object.entries(whole),
])

/** Flows for which, of each field that is given, one word holds, and none of those that aren't wanted. */
export interface FlowFilter {
  readonly wanted: ReadonlyMap<string, readonly string[]>
  readonly unwanted: ReadonlyMap<string, readonly string[]>
}

/**
 * The filter that a query asks for: `pod=web&pod=api&not-port=53`. Fields of another use are passed over.
 *
 * @throws WeirError WEIR_REQUEST_INVALID with each word that its field can't have.
 */
export function flowFilterOf(query: Iterable<readonly [string, string]>): FlowFilter {
  const filter = { wanted: new Map<string, string[]>(), unwanted: new Map<string, string[]>() }
  const problems: Problem[] = []
  for (const [name, word] of query) {
    const field = name.replace(/^not-/, '')
    if (!tests.has(field)) continue
    const expected = expectedOf(field.replace(/^(?:from|to)-/, ''), word)
    if (expected !== undefined) problems.push({ path: name, message: 'not usable', value: word, expected })
    const side = name === field ? filter.wanted : filter.unwanted
    side.set(field, [...(side.get(field) ?? []), word])
  }
  if (problems.length > 0) throw new WeirError('WEIR_REQUEST_INVALID', "the filter can't be understood", { problems })
  return filter
}

const isUpTo = (most: number) => (word: string) => /^\d{1,10}$/.test(word) && Number(word) <= most

const forms: Readonly<Record<string, readonly [isForm: (word: string) => boolean, expected: string]>> = {
  ip: [word => parseAddress(word) !== undefined || parsePrefix(word) !== undefined, 'an address or a block'],
  port: [isUpTo(65_535), 'a port'],
  protocol: [
    word => protocolWords.has(word.toLowerCase()) || isUpTo(255)(word),
    `${Object.keys(protocolNumbers).join(', ')}, or 0 to 255`,
  ],
  label: [
    word => word.split(',').every(each => /^(?:![^!=(),\s]+|[^!=(),\s]+(?:(?:==?|!=)[^=(),\s]*)?)$/.test(each)),
    'app=web, app!=web, app, !app, with commas between',
  ],
  identity: [
    word => Object.hasOwn(reservedIdentities, word) || isUpTo(2 ** 32 - 1)(word),
    `a number, or ${Object.keys(reservedIdentities).join(', ')}`,
  ],
  'drop-reason-desc': [
    word => knownReasons.has(plainReason(word)) || /^reason \d+$/.test(plainReason(word)),
    [...reasons.values()].slice(1).map(reasonWord).join(', '),
  ],
  verdict: [word => verdictsOf(word).length > 0, [...verdictWords.keys(), 'DROPPED'].join(', ')],
  type: [word => word === 'drop' || word === 'policy-verdict', 'drop, policy-verdict'],
  'traffic-direction': [word => /^(?:in|e)gress$/i.test(word), 'ingress, egress'],
  'ip-version': [word => word === 'v4' || word === 'v6', 'v4, v6'],
  'tcp-flags': [
    word => word.split(',').every(each => /^(?:FIN|SYN|RST|PSH|ACK|URG)$/i.test(each)),
    'FIN, SYN, RST, PSH, ACK, URG, with commas between',
  ],
}

const knownReasons: ReadonlySet<string> = new Set([...reasons.values()].map(plainReason))

/** `POLICY_DENIED` */
function reasonWord(reason: string): string {
  return plainReason(reason).replaceAll(' ', '_').toUpperCase()
}

/** What a word of that kind would have to be, where it isn't. */
function expectedOf(kind: string, word: string): string | undefined {
  const form = forms[kind]
  return form === undefined || form[0](word) ? undefined : form[1]
}

export function matchesFlow(flow: FlowRecord, { wanted, unwanted }: FlowFilter): boolean {
  for (const [field, words] of wanted) if (!words.some(word => tests.get(field)?.(flow, word))) return false
  for (const [field, words] of unwanted) if (words.some(word => tests.get(field)?.(flow, word))) return false
  return true
}
