import type { Egress } from './egress/projection.js'
import type { Services } from './service/projection.js'
import type { ClusterState } from './state/state.js'
import type { Verdicts } from './verdict/projection.js'

/** Each looks at all pods that aren't settled, which takes a hundredth of settling them. */
const fewQuestions = 32

/** Brings projections up to the state, each when something of it is asked: a question settles its part alone. */
export class Settling {
  readonly #state: Pick<ClusterState, 'seq'>
  readonly #verdicts: Verdicts
  readonly #services: Services
  readonly #egress: Egress
  #questions = 0
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

  /** Which rules are in force. */
  rules(): void {
    this.#verdicts.settleRules()
  }

  /**
   * What a question about some addresses needs. While nothing was asked for as a whole, a few questions have it settled
   * for theirs alone: a state is often restored for one of them.
   * @param asksOfOutside whether somebody else than the cluster has one of them, as soon as that can be told
   */
  question(addresses: readonly string[], asksOfOutside: () => boolean): void {
    if (this.#settled.inputs < 0 && this.#questions < fewQuestions) {
      this.#questions += 1
      this.#verdicts.settleInputsOf(addresses)
      return
    }
    this.inputs()
    // Who is outside is told by the blocks that the rules ask for, and these are known once the tables are.
    if (asksOfOutside()) this.verdicts()
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
