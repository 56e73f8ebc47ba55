import type { Egress } from './egress/projection.js'
import type { Services } from './service/projection.js'
import type { ClusterState } from './state/state.js'
import type { Verdicts } from './verdict/projection.js'

/** Brings projections up to the state, each when something of it is asked: a question settles its part alone. */
export class Settling {
  readonly #state: Pick<ClusterState, 'seq'>
  readonly #verdicts: Verdicts
  readonly #services: Services
  readonly #egress: Egress
  /** The event that each part follows. */
  readonly #settled = { inputs: -1, verdicts: -1, services: -1, egress: -1 }

  constructor(state: Pick<ClusterState, 'seq'>, verdicts: Verdicts, services: Services, egress: Egress) {
    this.#state = state
    this.#verdicts = verdicts
    this.#services = services
    this.#egress = egress
  }

  all(): void {
    this.verdicts()
    this.services()
    if (this.#isDue('egress')) this.#egress.settle()
  }

  /** Who has which address, and which rules are in force. */
  inputs(): void {
    if (this.#isDue('inputs')) this.#verdicts.settleInputs()
  }

  verdicts(): void {
    if (!this.#isDue('verdicts')) return
    this.#settled.inputs = this.#state.seq
    this.#verdicts.settle()
  }

  services(): void {
    if (this.#isDue('services')) this.#services.settle()
  }

  #isDue(part: 'inputs' | 'verdicts' | 'services' | 'egress'): boolean {
    if (this.#settled[part] === this.#state.seq) return false
    this.#settled[part] = this.#state.seq
    return true
  }
}
