import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ClusterState, objectKey, WeirError, type WeirEvent } from '@weir/core'
import { surroundingsOf } from '@weir/core/service/surroundings.js'
import type { Clock, Timer } from './clock.js'
import { type HealthReply, nodeHealth, serviceHealth } from './health-reply.js'

/** What the health server must know of the agent. */
export interface HealthPortsOptions {
  readonly clock: Clock
  readonly state: () => ClusterState
  /** Endpoints of a service on this node that take new connections. */
  readonly localEndpoints: (service: string) => number
  /** Undefined while what the log says is enforced, else what is wrong. */
  readonly trouble: () => string | undefined
  /** When the datapath was last brought to the tables; milliseconds since the epoch. */
  readonly updatedAt: () => number
  /** Where the node's own health is asked for. */
  readonly healthz?: { readonly address: string; readonly port: number } | undefined
  readonly report: (message: string) => void
}

/** GET /v1/status: who answers for services. */
export interface HealthPortsView {
  readonly listening: readonly { readonly service: string; readonly address: string; readonly port: number }[]
  /** Ports that can't be had. Nothing else depends on them; they are tried again. */
  readonly problems: readonly WeirError<'WEIR_PORT_UNAVAILABLE'>['payload'][]
}

/** Under this name the node's own health is listed. */
const nodeItself = ''

/** How often ports that couldn't be had are tried again. */
const retryPeriodMs = 5000

interface Wanted {
  readonly service: string
  readonly address: string
  readonly port: number
}

/**
 * Answers load balancers' questions for services with a `healthCheckNodePort`, as kube-proxy does: one listener for each
 * port and address, there as long as the service asks for it.
 */
export class HealthPorts {
  readonly #options: HealthPortsOptions
  readonly #servers = new Map<string, Server>()
  readonly #wanted = new Map<string, Wanted>()
  readonly #problems = new Map<string, WeirError<'WEIR_PORT_UNAVAILABLE'>['payload']>()
  readonly #timer: Timer
  /** Services that ask for a port. */
  #asking = new Set<string>()
  #turn: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(options: HealthPortsOptions) {
    this.#options = options
    this.#timer = options.clock.every(retryPeriodMs, () => (this.#problems.size > 0 ? this.changed() : undefined))
  }

  /** Whether an event may open or close a port: most that are about services don't. */
  concerns(event: WeirEvent): boolean {
    switch (event.kind) {
      case 'service.upserted': {
        const { namespace, name, healthCheckNodePort } = event.service
        return healthCheckNodePort !== undefined || this.#asking.has(objectKey(namespace, name))
      }
      case 'service.deleted':
        return this.#asking.has(objectKey(event.namespace, event.name))
      case 'node.upserted':
      case 'node.deleted':
      case 'agent.configured':
        return true
      default:
        return false
    }
  }

  /** The log says something else by now, or may: opens and closes what differs. Resolves when that is done. */
  changed(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#settle())
    return this.#turn
  }

  get view(): HealthPortsView {
    const listening = [...this.#servers].map(([key, server]) => {
      const { service, address } = this.#wanted.get(key)!
      return { service, address, port: (server.address() as AddressInfo).port }
    })
    return { listening, problems: [...this.#problems.values()] }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer.stop()
    await this.#turn
    await Promise.all([...this.#servers.keys()].map(key => this.#end(key)))
  }

  async #settle(): Promise<void> {
    if (this.#isClosed) return
    const wanted = this.#find()
    for (const [key, { service }] of [...this.#wanted])
      if (wanted.get(key)?.service !== service) {
        await this.#end(key)
        this.#wanted.delete(key)
        this.#problems.delete(key)
      }
    for (const [key, each] of wanted) {
      this.#wanted.set(key, each)
      if (!this.#servers.has(key)) await this.#open(key, each)
    }
  }

  /** By address and port. One that two services want goes to the first by name. */
  #find(): ReadonlyMap<string, Wanted> {
    const { state, healthz } = this.#options
    const { agent, services } = state()
    const found = new Map<string, Wanted>()
    const add = (wanted: Wanted): void => {
      const key = `${wanted.address} ${wanted.port}`
      const first = found.get(key)
      if (first === undefined) found.set(key, wanted)
      else this.#clash(wanted, first)
    }
    if (healthz !== undefined) add({ service: nodeItself, ...healthz })
    const { nodePortAddresses } = surroundingsOf(state())
    // As kube-proxy: everywhere, unless it is said which of the addresses have node ports.
    const addresses = agent?.fact.nodePortAddresses === undefined ? ['::'] : nodePortAddresses
    const asking = [...services.values()]
      .map(({ fact }) => fact)
      .filter(({ healthCheckNodePort }) => healthCheckNodePort !== undefined)
      .sort((a, b) => (objectKey(a.namespace, a.name) < objectKey(b.namespace, b.name) ? -1 : 1))
    this.#asking = new Set(asking.map(({ namespace, name }) => objectKey(namespace, name)))
    for (const key of this.#problems.keys()) if (key.startsWith('clash ')) this.#problems.delete(key)
    for (const { namespace, name, healthCheckNodePort: port } of asking)
      for (const address of addresses) add({ service: objectKey(namespace, name), address, port: port! })
    return found
  }

  #clash({ service, address, port }: Wanted, first: Wanted): void {
    const holder = first.service === nodeItself ? "the node's own health" : first.service
    this.#problems.set(`clash ${service} ${address}`, { service, address, port, reason: `${holder} has it` })
  }

  async #open(key: string, wanted: Wanted): Promise<void> {
    const server = createServer((request, response) => {
      const { status, headers, body } = this.#reply(wanted.service, request.url ?? '/')
      response.writeHead(status, headers).end(body)
    })
    server.keepAliveTimeout = 1000
    try {
      await listen(server, wanted)
      server.unref()
      this.#servers.set(key, server)
      this.#problems.delete(key)
    } catch (error) {
      this.#fail(key, wanted, error)
    }
  }

  #fail(key: string, { service, address, port }: Wanted, cause: unknown): void {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
    const payload = { service, address, port, reason }
    const known = this.#problems.get(key)
    this.#problems.set(key, payload)
    if (known?.reason === reason) return
    const of = service === nodeItself ? 'the node' : service
    const message = `port ${port} at ${address} for the health of ${of}: ${reason}`
    const error = new WeirError('WEIR_PORT_UNAVAILABLE', message, payload, { cause })
    this.#options.report(`${error.code}: ${error.message}`)
  }

  #reply(service: string, url: string): HealthReply {
    const { trouble, localEndpoints, updatedAt, clock } = this.#options
    const isHealthy = trouble() === undefined
    if (service === nodeItself)
      return nodeHealth({ path: url, isHealthy, updatedAtMs: updatedAt(), nowMs: clock.nowMs() })
    return serviceHealth({ service, localEndpoints: localEndpoints(service), isHealthy })
  }

  async #end(key: string): Promise<void> {
    const server = this.#servers.get(key)
    if (server === undefined) return
    this.#servers.delete(key)
    await new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
}

/** Of both families where the address is `::`, and of IPv4 alone on a machine without IPv6. */
async function listen(server: Server, { address, port }: Wanted): Promise<void> {
  try {
    await listenAt(server, address, port)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (address !== '::' || code !== 'EAFNOSUPPORT') throw error
    await listenAt(server, '0.0.0.0', port)
  }
}

function listenAt(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
