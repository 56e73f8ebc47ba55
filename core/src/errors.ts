/** What went wrong, in one stable word per cause. `docs/errors.md` explains each; a test keeps the two in step. */
export type WeirErrorCode = keyof WeirErrorPayloads

/**
 * The payload of each code. All rooms share this closed set, so that there is one place to look a code up.
 */
export interface WeirErrorPayloads {
  /** An input that can't be understood; `problems` has at least one entry. */
  WEIR_INPUT_INVALID: { readonly problems: readonly Problem[] }
  /** The fold met an event that it can't apply (an unknown kind or schema version). */
  WEIR_EVENT_UNKNOWN: { readonly seq: number; readonly kind: string }
  /** No number is left in a range that the outside sees. */
  WEIR_IDENTITIES_EXHAUSTED: { readonly first: number; readonly last: number }
  /** A word that can't go into a network command: `expected` says what could. */
  WEIR_NETWORK_NAME: { readonly name: string; readonly expected: string }
  /** A command of iproute2 or util-linux failed; `detail` is what it printed. */
  WEIR_NETWORK_COMMAND: { readonly command: string; readonly detail: string }
  /** Nobody answers at the agent's socket. */
  WEIR_AGENT_UNREACHABLE: { readonly socket: string }
  /** A question to the agent, or an argument of a command, that can't be understood. */
  WEIR_REQUEST_INVALID: { readonly problems: readonly Problem[] }
  /** No such object; `near` holds names that exist. */
  WEIR_NOT_FOUND: { readonly kind: string; readonly name: string; readonly near: readonly string[] }
  /** The agent takes no more inputs, because an earlier one couldn't be made durable or enforced. */
  WEIR_INTAKE_STOPPED: { readonly reason: string }
}

/** One thing wrong with an input: where it is, what it is, what would be right. */
export interface Problem {
  /** File path, URL or other name of the document's origin; absent when the caller knows it. */
  readonly file?: string
  /** 1-based line in `file`. */
  readonly line?: number
  /** Field path as kubectl writes it: `spec.ingress[0].ports[1].port`. Empty for the document itself. */
  readonly path: string
  /** What is wrong, as a sentence without full stop. */
  readonly message: string
  /** The offending value, shortened to 120 characters of JSON. */
  readonly value?: string
  /** What would be legal there. */
  readonly expected?: string
}

/** Every error that Weir throws or returns on purpose. */
export class WeirError<Code extends WeirErrorCode = WeirErrorCode> extends Error {
  override readonly name = 'WeirError'
  readonly code: Code
  readonly payload: WeirErrorPayloads[Code]

  constructor(code: Code, message: string, payload: WeirErrorPayloads[Code], options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.payload = payload
  }
}
