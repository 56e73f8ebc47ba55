import type { WeirEvent } from '@weir/core'
import { HealthChecker, type HealthCheckerOptions, type HealthChecksView } from './health-checker.js'
import { HealthPorts, type HealthPortsOptions, type HealthPortsView } from './health-ports.js'

/** GET /v1/status */
export interface ServiceHealthView {
  readonly ports: HealthPortsView
  readonly checks: HealthChecksView
}

const mayMoveEndpoints = /^(?:service|endpointslice|backend|node|agent)\./

/** Both ways of health: what load balancers ask of this node, and what this node asks of endpoints. */
export class ServiceHealth {
  readonly #ports: HealthPorts
  readonly #checker: HealthChecker

  constructor(options: HealthPortsOptions & HealthCheckerOptions) {
    this.#ports = new HealthPorts(options)
    this.#checker = new HealthChecker(options)
  }

  /** Listens for what the log says already. */
  start(): Promise<void> {
    return this.#ports.changed()
  }

  applied(events: readonly WeirEvent[]): void {
    if (events.some(({ kind }) => mayMoveEndpoints.test(kind))) this.#checker.changed()
    if (events.some(event => this.#ports.concerns(event))) void this.#ports.changed()
  }

  get view(): ServiceHealthView {
    return { ports: this.#ports.view, checks: this.#checker.view }
  }

  async close(): Promise<void> {
    await this.#checker.close()
    await this.#ports.close()
  }
}
