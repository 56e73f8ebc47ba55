import { socketText } from '@weir/core/service/backend-text.js'
import type { AnsweredBackend, AnsweredFrontend, AnsweredTable, ServiceAnswer } from '../../agent/service-answer.js'
import { placesIn } from '../origins.js'
import { tableLines } from '../table.js'
import type { Colour } from '../terminal.js'
import { whoText } from '../../agent/who-text.js'
import { explanationLines } from './explanation.js'
import { conflictText } from './objects.js'

/** Answers about a service for a person: where connections go, each endpoint and why, then what policies say. */
export function serviceLines(
  answers: readonly ServiceAnswer[],
  colour: Colour,
  workingFolder = '/',
): readonly string[] {
  return [
    ...answers.flatMap(answer => answerLines(answer, colour, workingFolder)),
    colour.dim(`as of event ${answers[0]?.seq ?? 0}`),
  ]
}

function answerLines(answer: ServiceAnswer, colour: Colour, workingFolder: string): readonly string[] {
  const { from, name, backends, frontend, conflicts, lack, flows, outcome } = answer
  const places = placesIn(answer.sources, workingFolder)
  const where = frontend === undefined ? '' : colour.dim(frontendText(frontend, places))
  return [
    colour.strong(`${whoText(from)} → service ${name}${portText(answer)}  ${outcomeText(answer, colour)}`),
    ...(where === '' ? [] : [`  ${where}`]),
    ...(lack === undefined ? [] : [`  ${lack.message}; ${colour.strong(lack.change)}`]),
    ...conflicts.map(conflict => colour.bad(`  ${conflictText(conflict)}`)),
    ...backendLines(backends, answer, colour),
    ...(outcome === 'balanced' ? entryLines(frontend?.table) : []),
    ...explanationLines(flows, colour, workingFolder)
      .slice(0, flows.length === 0 ? 0 : -1)
      .map(line => `  ${line}`),
    ...(answer.unjudged === 0
      ? []
      : [`  policies weren't asked about ${answer.unjudged} more backends: ask about one`]),
  ]
}

/** ` 80/TCP`, ` http (80)/TCP` */
function portText({ port, protocol, portName }: ServiceAnswer): string {
  if (port === 0) return ''
  return portName === '' ? ` ${port}/${protocol}` : ` ${portName} (${port})/${protocol}`
}

function outcomeText({ outcome, backends, frontend, protocol, family }: ServiceAnswer, colour: Colour): string {
  const chosen = backends.filter(({ isChosen }) => isChosen)
  switch (outcome) {
    case 'balanced': {
      const equal = chosen.every(({ weight }) => weight === chosen[0]?.weight)
      const one = chosen.length === 1 ? 'goes to its one backend' : `goes to any of ${chosen.length} backends`
      const how = chosen.length === 1 ? '' : equal ? ', each as often' : ', by weight'
      const keeps = (frontend?.affinitySeconds ?? 0) > 0 ? `, a client's own for ${frontend?.affinitySeconds} s` : ''
      return colour.good(`${one}${how}${keeps}`)
    }
    case 'refused':
      return colour.bad(`refused: ${protocol === 'TCP' ? 'TCP is reset' : `ICMPv${family} port unreachable`}`)
    case 'outsideRanges':
      return colour.bad(`dropped: only for ${frontend?.sourceRanges?.join(', ') || 'nobody of this family'}`)
    case 'notThere':
      return colour.bad('not there')
    case 'untouched':
      return colour.good('left as it is: a backend of the redirect itself')
    case 'headless':
      return colour.good('headless: DNS gives the addresses of its pods, and nothing is translated')
    case 'externalName':
      return colour.good('ExternalName: DNS gives another name, and nothing is translated')
  }
}

function frontendText(
  { kind, scope, addresses, port, local, causes }: AnsweredFrontend,
  places: ReadonlyMap<number, string>,
): string {
  const sockets = addresses.map(address => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`))
  const policy = local ? (scope === 'internal' ? 'internalTrafficPolicy' : 'externalTrafficPolicy') : undefined
  const isPolicy = policy !== undefined && kind !== 'hostPort' && kind !== 'localRedirect'
  const by = causes.map(seq => [`event ${seq}`, ...(places.has(seq) ? [places.get(seq)] : [])].join(', '))
  return `${kind} ${sockets.join(', ')}${isPolicy ? `, ${policy}: Local` : ''} (${by.join('; ')})`
}

const standingTexts: Readonly<Record<AnsweredBackend['standing'], string>> = {
  ready: 'ready',
  lastResort: 'serves while it terminates, as none is ready',
  quarantined: 'quarantined',
  maintenance: 'in maintenance',
  weightless: 'weight 0',
  otherNode: 'on another node',
  unhealthy: 'its checks fail',
  failOpen: 'its checks fail, as do those of all others',
  notReady: 'not ready',
  terminating: 'terminating',
  hintedElsewhere: 'for another zone or node, by its hints',
}

function backendLines(
  backends: readonly AnsweredBackend[],
  { protocol, outcome, frontend }: ServiceAnswer,
  colour: Colour,
): readonly string[] {
  if (backends.length === 0) return []
  const { table } = frontend ?? {}
  const slots = new Map(
    table === undefined || table.slots === 1 ? [] : table.shares.map(each => [each.backend, each.slots]),
  )
  const left = backends.length - linesMax
  const lines = tableLines(backends.slice(0, linesMax), [
    { heading: 'backend', cell: ({ address, port }) => socketText(address, port, protocol) },
    { heading: 'pod', cell: ({ pod }) => pod || '-' },
    { heading: 'node', cell: ({ node }) => node || '-' },
    { heading: 'share', cell: each => (outcome === 'balanced' && each.isChosen ? percent(each.share) : '-') },
    ...(slots.size === 0
      ? []
      : [
          {
            heading: 'slots',
            cell: ({ address, port }: AnsweredBackend) => String(slots.get(socketText(address, port, protocol)) ?? '-'),
          },
        ]),
    {
      heading: 'why',
      cell: ({ isChosen, standing }) => (isChosen ? colour.good : colour.bad)(standingTexts[standing]),
    },
  ])
  return [...lines, ...(left > 0 ? [`and ${left} more`] : [])].map(line => `  ${line}`)
}

/** Which slot of the Maglev table a client's packets come to. */
function entryLines(table: AnsweredTable | undefined): readonly string[] {
  const { client, entries = [], slots = 0 } = table ?? {}
  if (client === undefined || slots === 1) return []
  const from = client.address.includes(':') ? `[${client.address}]:${client.port}` : `${client.address}:${client.port}`
  return entries.map(
    ({ address, slot, backend }) => `  from ${from} to ${address}: slot ${slot} of ${slots}, ${backend}`,
  )
}

/** Most backends that a table shows; JSON has all. */
const linesMax = 40

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
