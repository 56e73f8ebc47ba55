import {
  type Conflict,
  type Engine,
  frontendKey,
  type FrontendRow,
  type FrontendScope,
  type Lack,
  objectKey,
  type Protocol,
  type ServiceFact,
  type ServicePort,
  WeirError,
} from '@weir/core'
import { socketText } from '@weir/core/service/backend-text.js'
import { familyOf } from './places.js'
import type { AnsweredBackend, ServiceOutcome } from './service-answer.js'
import type { AskedService } from './service-word.js'
import type { Target } from './target.js'

/** A port of a service as clients of one scope and family see it. */
export interface Place {
  /** `shop/web` */
  readonly name: string
  readonly port: number
  readonly protocol: Protocol
  readonly portName: string
  /** What is there, and at which addresses the same is. */
  readonly row?: FrontendRow
  readonly addresses: readonly string[]
  readonly service?: ServiceFact
  readonly servicePort?: ServicePort
  readonly conflicts: readonly Conflict[]
  /** Where there is no frontend: why, and whom clients reach all the same. */
  readonly outcome?: ServiceOutcome
  readonly lack?: Lack
  readonly direct?: readonly AnsweredBackend[]
}

/**
 * The places that a question about a service means.
 *
 * @throws WeirError WEIR_NOT_FOUND when the service has no such port
 */
export function placesAsked(
  engine: Engine,
  asked: AskedService,
  scope: FrontendScope,
  family: 4 | 6,
): readonly Place[] {
  return asked.kind === 'service'
    ? ofService(engine, asked.service, asked.target, scope, family)
    : ofAddresses(engine, asked, scope, family)
}

function ofService(
  engine: Engine,
  service: ServiceFact,
  target: Target,
  scope: FrontendScope,
  family: 4 | 6,
): readonly Place[] {
  const name = objectKey(service.namespace, service.name)
  if (service.type === 'ExternalName') return family === 4 ? [emptyPlace(name, 'externalName')] : []
  const ports = portsMeant(service, target)
  if (service.clusterIps[0] === 'None')
    return ports.flatMap(servicePort => {
      const { port, protocol, name: portName } = servicePort
      const own = { name, port, protocol, portName, service, servicePort }
      return withPods(engine, own, family, { outcome: 'headless' })
    })
  const frontends = [...engine.tables.frontends].map(([, row]) => row)
  return ports.flatMap(servicePort => {
    const { port, protocol, nodePort } = servicePort
    const isNodePort = nodePort !== undefined && nodePort !== port && Number(target.port) === nodePort
    const own = { name, port: isNodePort ? nodePort : port, protocol, portName: servicePort.name, service, servicePort }
    if (scope === 'internal' && !isNodePort) return ofClusterIps(engine, own, service.clusterIps, family)
    const rows = frontends.filter(
      row =>
        row.scope === scope &&
        row.kind !== 'hostPort' &&
        row.kind !== 'localRedirect' &&
        objectKey(row.namespace, row.name) === name &&
        row.portName === servicePort.name &&
        row.protocol === protocol &&
        familyOf(row.address) === family &&
        (!isNodePort || row.kind === 'nodePort'),
    )
    const conflicts = conflictsAt(engine, rows)
    if (rows.length > 0) return grouped(rows).map(group => ({ ...own, ...group, port: group.row.port, conflicts }))
    const isToldHere = family === 4 || (hasFamily(service, 6) && !hasFamily(service, 4))
    return isToldHere ? [{ ...own, addresses: [], conflicts, lack: unexposed(service) }] : []
  })
}

type Own = Pick<Place, 'name' | 'port' | 'protocol' | 'portName'> & {
  readonly service: ServiceFact
  readonly servicePort: ServicePort
}

function ofClusterIps(engine: Engine, own: Own, clusterIps: readonly string[], family: 4 | 6): readonly Place[] {
  const { name, port, protocol } = own
  if (clusterIps.length === 0) {
    const lack = { message: 'no cluster address is assigned to it', change: 'spec.clusterIP, or ask where it has one' }
    return withPods(engine, own, family, { lack })
  }
  return clusterIps
    .filter(address => familyOf(address) === family)
    .map(address => {
      const row = engine.tables.frontends.get(frontendKey(address, port, protocol, 'internal'))
      const conflicts = engine
        .frontendConflicts()
        .filter(each => each.address === address && each.port === port && each.protocol === protocol)
      const winner = conflicts[0]?.winner
      const owner = winner === undefined ? name : objectKey(winner.namespace, winner.name)
      if (row !== undefined && (row.kind === 'localRedirect' || owner === name))
        return { ...own, row, addresses: [address], conflicts }
      const message = `${socketText(address, port, protocol)} belongs to ${owner}`
      return { ...own, addresses: [address], conflicts, lack: { message, change: 'another address' } }
    })
}

function ofAddresses(
  engine: Engine,
  { addresses, rows, owners, target }: Extract<AskedService, { kind: 'address' }>,
  scope: FrontendScope,
  family: 4 | 6,
): readonly Place[] {
  const there = rows.filter(row => row.scope === scope && familyOf(row.address) === family)
  if (there.length > 0) {
    const conflicts = conflictsAt(engine, there)
    return grouped(there).map(group => ({ ...described(engine, group.row), ...group, conflicts }))
  }
  const own = addresses.filter(address => familyOf(address) === family)
  if (own.length === 0) return []
  const [hidden] = rows.filter(row => familyOf(row.address) === family)
  if (hidden !== undefined) {
    const place = described(engine, hidden)
    const { service } = place
    return [{ ...place, addresses: own, conflicts: [], ...(service && { lack: unexposed(service) }) }]
  }
  const [owner] = owners
  if (owner === undefined) return []
  const asked = `${target.port ?? ''}/${target.protocol ?? 'TCP'}`
  const message = `${owner.namespace}/${owner.name} has no port ${asked} there`
  const change = `ask for ${owner.ports.map(({ port, protocol }) => `${port}/${protocol}`).join(', ')}`
  const name = objectKey(owner.namespace, owner.name)
  const place = { ...emptyPlace(name, 'notThere'), port: Number(target.port) || 0, lack: { message, change } }
  return [{ ...place, addresses: own, service: owner }]
}

/** Rows that differ in their addresses alone are one. */
function grouped(rows: readonly FrontendRow[]): readonly { row: FrontendRow; addresses: string[] }[] {
  const groups = new Map<string, { row: FrontendRow; addresses: string[] }>()
  for (const row of rows) {
    const key = JSON.stringify({ ...row, address: '' })
    const known = groups.get(key)
    if (known === undefined) groups.set(key, { row, addresses: [row.address] })
    else known.addresses.push(row.address)
  }
  return [...groups.values()].map(({ row, addresses }) => ({ row, addresses: addresses.sort() }))
}

function described({ state }: Engine, row: FrontendRow): Omit<Place, 'addresses' | 'conflicts'> {
  const { namespace, name, port, protocol, portName, kind } = row
  const isOfService = kind !== 'hostPort' && kind !== 'localRedirect'
  const service = isOfService ? state.services.get(objectKey(namespace, name))?.fact : undefined
  const servicePort = service?.ports.find(each => each.name === portName && each.protocol === protocol)
  const more = service !== undefined && servicePort !== undefined ? { service, servicePort } : {}
  return { name: objectKey(namespace, name), port, protocol, portName, ...more }
}

/** A place without a frontend of its own, but with pods behind it. */
function withPods(engine: Engine, own: Own, family: 4 | 6, more: Pick<Place, 'outcome' | 'lack'>): readonly Place[] {
  const direct = podsBehind(engine, own, family)
  if (direct.length === 0 && family === 6) return []
  return [{ ...own, addresses: [], conflicts: [], direct, ...more }]
}

/** The pods that a service selects, at the port's target. */
function podsBehind(
  { state }: Engine,
  { service, servicePort: { targetPort, protocol } }: Own,
  family: 4 | 6,
): readonly AnsweredBackend[] {
  const wanted = Object.entries(service.selector)
  if (wanted.length === 0) return []
  const selected = [...state.pods.values()]
    .map(({ fact }) => fact)
    .filter(pod => pod.namespace === service.namespace && wanted.every(([key, value]) => pod.labels[key] === value))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return selected.flatMap(({ name, node, addresses, ready, terminating, ports }): readonly AnsweredBackend[] => {
    const named = ports.find(each => each.name === targetPort && each.protocol === protocol)
    const port = typeof targetPort === 'number' ? targetPort : named?.port
    const address = addresses.find(each => familyOf(each) === family)
    if (port === undefined || address === undefined) return []
    const isReady = (ready !== false && terminating !== true) || service.publishNotReadyAddresses === true
    const unready = terminating === true ? 'terminating' : 'notReady'
    const said = {
      state: isReady ? 'active' : unready,
      standing: isReady ? 'ready' : unready,
      isChosen: isReady,
    } as const
    return [{ address, port, node, zone: '', pod: name, ...said, weight: 1, share: 0, causes: [] }]
  })
}

const emptyPlace = (name: string, outcome: ServiceOutcome): Place => ({
  name,
  port: 0,
  protocol: 'TCP',
  portName: '',
  addresses: [],
  conflicts: [],
  outcome,
})

/** @throws WeirError WEIR_NOT_FOUND with the ports that there are */
function portsMeant({ namespace, name, ports }: ServiceFact, { port, protocol }: Target): readonly ServicePort[] {
  const isMeant = (each: ServicePort): boolean =>
    (port === undefined || port === '*' || each.name === port || [each.port, each.nodePort].includes(Number(port))) &&
    (protocol === undefined || protocol.toLowerCase() === 'any' || each.protocol === protocol.toUpperCase())
  const found = ports.filter(isMeant)
  if (found.length > 0) return found
  const near = ports.map(each => `${each.name === '' ? '' : `${each.name} `}${each.port}/${each.protocol}`)
  const asked = `${port ?? ''}${protocol === undefined ? '' : `/${protocol}`}`
  const message = `service ${namespace}/${name} has no port ${asked}`
  throw new WeirError('WEIR_NOT_FOUND', message, { kind: 'port', name: asked, near })
}

const hasFamily = ({ clusterIps }: ServiceFact, family: 4 | 6): boolean =>
  clusterIps.some(address => familyOf(address) === family)

function unexposed({ type }: ServiceFact): Lack {
  if (type === 'ClusterIP')
    return { message: "cluster addresses aren't there for clients outside", change: 'type: NodePort or LoadBalancer' }
  return {
    message: 'no address for clients outside is there',
    change: "give the node's addresses, or a load balancer's",
  }
}

function conflictsAt(engine: Engine, rows: readonly FrontendRow[]): readonly Conflict[] {
  const keys = new Set(rows.map(({ address, port, protocol }) => socketText(address, port, protocol)))
  return engine
    .frontendConflicts()
    .filter(({ address, port, protocol }) => keys.has(socketText(address, port, protocol)))
}
