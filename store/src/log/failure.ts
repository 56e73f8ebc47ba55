import { WeirError } from '@weir/core/errors.js'

/** The error of a write that the storage refused; events up to `durable` are safe. */
export function writeFailed(
  path: string,
  durable: number,
  what: string,
  cause: unknown,
): WeirError<'WEIR_LOG_WRITE_FAILED'> {
  const inner = (cause as { cause?: unknown }).cause ?? cause
  const reason = inner instanceof Error ? inner.message : String(inner)
  return new WeirError(
    'WEIR_LOG_WRITE_FAILED',
    `the log at ${path} can't store the ${what} (events up to ${durable} are safe): ${reason}`,
    { path, durable, reason },
    { cause },
  )
}
