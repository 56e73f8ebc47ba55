import { counted, countedAll } from '@weir/core/counted.js'
import { shortageText } from '@weir/datapath/services/shortage.js'
import type { StatusReport } from '../../agent/protocol.js'
import { takenText } from '../../routing/routing.js'
import { tableLines } from '../table.js'
import { flowStatusLines, flowTroubles } from './flow-status.js'
import { sourceLines } from './source-status.js'
import type { Colour } from '../terminal.js'
import { durationText } from './duration.js'

/** The agent's state for a person: what is wrong first, then what is in use, then figures. */
export function statusLines(report: StatusReport, colour: Colour): readonly string[] {
  const troubles = troublesOf(report)
  const features = Object.entries(report.backend.features).map(([name, value]) => `${name}=${value}`)
  return [
    ...(troubles.length === 0 ? [`${colour.good('●')} all well`] : troubles.map(each => `${colour.bad('●')} ${each}`)),
    '',
    `Node       ${report.node}, agent ${report.version}, process ${report.pid}, up ${durationText(report.uptimeMs)}`,
    `Log        ${report.log.folder}: ${counted(report.log.head, 'event')}, snapshot at ${report.log.snapshot}`,
    `Digest     ${report.digest.hex}`,
    `Datapath   ${report.backend.kind}${features.length === 0 ? '' : `: ${features.join(' ')}`}`,
    ...report.backend.notes.map(note => `           ${note}`),
    ...hostLines(report.host),
    ...leavingLines(report.leaving),
    ...routingLines(report.routing),
    `Tables     ${countedAll(report.tables)}`,
    `Intake     ${counted(report.intake.events, 'event')} taken, ${report.intake.queued} waiting, last took ${report.intake.lastLatencyMs.toFixed(1)} ms, ${counted(report.intake.refusals, 'refusal')} in force`,
    `Reconcile  ${counted(report.reconcile.applied, 'change')} applied, ${counted(report.reconcile.repairs, 'repair')}`,
    ...(report.backend.connections.closed === 0
      ? []
      : [`Closed     ${counted(report.backend.connections.closed, 'connection')} to backends that went`]),
    ...(report.health.ports.listening.length === 0
      ? []
      : [
          `Health     answered at ${report.health.ports.listening
            .map(({ service, port }) => `${port} (${service || 'the node'})`)
            .join(', ')}`,
        ]),
    ...(report.health.checks.endpoints === 0
      ? []
      : [
          `Checks     ${counted(report.health.checks.endpoints, 'endpoint')} tried, ${counted(report.health.checks.failing.length, 'fails', 'fail')}`,
        ]),
    ...flowStatusLines(report),
    ...sourceLines(report.sources, report.startedAt + report.uptimeMs),
    '',
    ...tableLines(report.backend.maps, [
      { heading: 'map', cell: map => map.name },
      { heading: 'entries', cell: map => String(map.entries) },
      { heading: 'max', cell: map => String(map.maxEntries) },
      {
        heading: 'full',
        cell: map => `${map.maxEntries === 0 ? 0 : Math.round((100 * map.entries) / map.maxEntries)} %`,
      },
    ]),
    '',
    ...tableLines(report.backend.counters, [
      { heading: 'counter', cell: row => row.reason },
      { heading: 'direction', cell: row => row.direction },
      { heading: 'packets', cell: row => String(row.packets) },
      { heading: 'bytes', cell: row => String(row.bytes) },
    ]),
    '',
    ...Object.entries(report.backend.tallies).map(
      ([name, count]) => `${String(count).padStart(12)}  ${name.replaceAll('_', ' ')}`,
    ),
  ]
}

function hostLines({ isJudged, failSafePorts, devices }: StatusReport['host']): readonly string[] {
  const open = failSafePorts.length === 0 ? 'no fail-safe ports' : `fail-safe ports ${failSafePorts.join(', ')}`
  const state = isJudged ? `judged by policy, ${open}` : `no policy selects it; ${open} if one does`
  return [
    `Host       ${state}`,
    ...devices.map(
      ({ ifname, ifindex, why, isAttached, xdp, addresses }) =>
        `           ${isAttached ? 'at' : 'not at'} ${ifname} (${ifindex}): ${[why, `XDP ${xdp}`, ...addresses].join(', ')}`,
    ),
  ]
}

function leavingLines({ devices, unmasked, rules }: StatusReport['leaving']): readonly string[] {
  const { steer, translate, noGateway, noAddress, pass } = rules
  const count = steer + translate + noGateway + noAddress + pass
  const device = ({ ifname, ipv4, ipv6 }: (typeof devices)[number]): string => {
    const addresses = [
      ...(ipv4 === undefined ? [] : [ipv4 || 'no IPv4 address']),
      ...(ipv6 === undefined ? [] : [ipv6 || 'no IPv6 address']),
    ]
    return `${ifname} (${addresses.join(', ')})`
  }
  const masked =
    devices.length === 0
      ? 'pods’ traffic leaves under pods’ addresses'
      : `pods’ traffic is masqueraded at ${devices.map(device).join(', ')}, but for ${counted(unmasked, 'block')}`
  return [
    `Ways out   ${masked}`,
    ...(count === 0
      ? []
      : [
          `           egress gateways: ${counted(steer, 'rule')} to other nodes, ${translate} here, ${counted(noGateway + noAddress, 'drops', 'drop')}`,
        ]),
  ]
}

function routingLines({ mode, blocks, routes, mtuBytes }: StatusReport['routing']): readonly string[] {
  if (mode === 'off') return []
  return [
    `Routing    ${mode}: ${routes} routes for ${blocks} blocks of other nodes' pods${mtuBytes === undefined ? '' : `, MTU ${mtuBytes}`}`,
  ]
}

/** What keeps ways to other nodes from being there. */
function routingTroubles({ problem, taken = [] }: StatusReport['routing']): readonly string[] {
  return [
    ...(problem === undefined ? [] : [`not all routes to other nodes' pods are there: ${problem}`]),
    ...(taken.length === 0 ? [] : [takenText(taken)]),
  ]
}

/** What doesn't leave though it is to. */
function leavingTroubles({ rules: { noGateway, noAddress } }: StatusReport['leaving']): readonly string[] {
  const told = (count: number, what: string): readonly string[] =>
    count === 0
      ? []
      : [
          `${counted(count, 'rule of egress gateway policies has', 'rules of egress gateway policies have')} no ${what}: weir get egress`,
        ]
  return [...told(noGateway, 'gateway'), ...told(noAddress, 'egress address')]
}

/** What escapes the policy of a node that has some. */
function hostTroubles({ isJudged, devices, problem }: StatusReport['host']): readonly string[] {
  if (!isJudged) return problem === undefined ? [] : [problem]
  return [
    ...(problem === undefined ? [] : [problem]),
    ...(devices.some(({ isAttached }) => isAttached) ? [] : ['policy of the node holds at none of its devices']),
  ]
}

function troublesOf(report: StatusReport): readonly string[] {
  const { maps, connections, withoutPort } = report.backend
  const full = maps.filter(
    ({ maxEntries, entries, evicts }) => !evicts && maxEntries > 0 && entries >= 0.9 * maxEntries,
  )
  return [
    ...(report.intake.stopped === undefined ? [] : [`no more inputs are taken: ${report.intake.stopped}`]),
    ...(report.reconcile.failing === undefined
      ? []
      : [`the last change isn't enforced yet: ${report.reconcile.failing}`]),
    ...report.backend.shortages.map(each => `${shortageText(each)}; what they had stays (--map-size)`),
    ...(withoutPort === 0
      ? []
      : [
          `${counted(withoutPort, 'packet was', 'packets were')} dropped lately for want of a free port (--nat-port-range)`,
        ]),
    ...(connections.failing === undefined
      ? []
      : [`connections to backends that went stay open: ${connections.failing}`]),
    ...hostTroubles(report.host),
    ...routingTroubles(report.routing),
    ...leavingTroubles(report.leaving),
    ...report.sources
      .filter(source => source.state === 'failing')
      .map(source => `${source.name}: ${source.error ?? 'failing'}`),
    ...flowTroubles(report),
    ...(report.intake.refusals === 0
      ? []
      : [`${counted(report.intake.refusals, 'input is', 'inputs are')} refused: weir get policies`]),
    ...(report.frontendConflicts === 0
      ? []
      : [
          `${counted(report.frontendConflicts, 'address is', 'addresses are')} claimed more than once: weir get services`,
        ]),
    ...report.health.ports.problems.map(portText),
    ...checkTroubles(report.health.checks),
    ...full.map(map => `${map.name} is nearly full: ${map.entries} of ${map.maxEntries}`),
  ]
}

function portText({ service, address, port, reason }: StatusReport['health']['ports']['problems'][number]): string {
  const of = service === '' ? 'the node' : service
  return `nobody can ask for the health of ${of} at ${address.includes(':') ? `[${address}]` : address}:${port}: ${reason}`
}

function checkTroubles({ failing, forbidden }: StatusReport['health']['checks']): readonly string[] {
  return [
    ...(failing.length === 0 ? [] : [`checks of ${counted(failing.length, 'backend')} fail: weir get backends`]),
    ...(forbidden.length === 0 ? [] : [`policy keeps this node from trying ${forbidden.join(', ')}`]),
  ]
}
