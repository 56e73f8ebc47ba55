import { WeirError } from '@weir/core/errors.js'

/** An API server, as far as the agent talks to it. Paths begin with `/api` and may have a query. */
export interface Api {
  /**
   * The answer to a GET, read as JSON.
   *
   * @param accept media type of the answer, JSON when absent
   * @throws WeirError WEIR_KUBERNETES_UNREACHABLE, WEIR_KUBERNETES_ANSWER
   */
  get(path: string, signal: AbortSignal, accept?: string): Promise<unknown>
  /**
   * The lines of an answer that goes on, those that came together at once, until the server ends it: none as soon as it
   * begins. What stands after the last line's end is no line.
   *
   * @throws WeirError as `get` does, at the first step or any later one
   */
  lines(path: string, signal: AbortSignal, accept?: string): AsyncIterable<readonly string[]>
  /**
   * Writes; the answer to it, read as JSON.
   *
   * @throws WeirError as `get` does
   */
  send(request: Write, signal: AbortSignal): Promise<unknown>
}

/** A request that changes something. */
export interface Write {
  readonly method: 'POST' | 'PATCH'
  readonly path: string
  readonly contentType: string
  readonly body: unknown
}

/** An answer that is no success. `path` is without its query, which may hold a token for the next page. */
export function refusedAnswer(path: string, status: number, reason: string, retryAfterMs = 0): WeirError {
  const place = path.split('?', 1)[0] ?? path
  const message = `the API server answers ${status} to ${place}: ${reason}`
  return new WeirError('WEIR_KUBERNETES_ANSWER', message, { path: place, status, reason, retryAfterMs })
}

export function unreachable(server: string, reason: string, cause?: unknown): WeirError {
  return new WeirError('WEIR_KUBERNETES_UNREACHABLE', `${server}: ${reason}`, { server, reason }, { cause })
}

export function unusableCredentials(cause: unknown): WeirError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `credentials of the API server can't be used: ${reason}`
  return new WeirError('WEIR_KUBERNETES_CONFIG', message, { reason }, { cause })
}

/** The HTTP status of a refused answer; undefined of any other error. */
export const statusOf = (error: unknown): number | undefined =>
  error instanceof WeirError && error.code === 'WEIR_KUBERNETES_ANSWER'
    ? (error as WeirError<'WEIR_KUBERNETES_ANSWER'>).payload.status
    : undefined

/** How long the server wants to be left alone. */
export const retryAfterOf = (error: unknown): number =>
  error instanceof WeirError && error.code === 'WEIR_KUBERNETES_ANSWER'
    ? (error as WeirError<'WEIR_KUBERNETES_ANSWER'>).payload.retryAfterMs
    : 0
