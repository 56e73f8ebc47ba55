import { WeirError, type WeirErrorPayloads } from '@weir/core/errors.js'

/** The error for a log that can't be opened: there is none, or its files aren't what was written. */
export const unreadable = (
  path: string,
  kind: WeirErrorPayloads['WEIR_LOG_UNREADABLE']['kind'],
  reason: string,
  cause?: unknown,
): WeirError<'WEIR_LOG_UNREADABLE'> =>
  new WeirError(
    'WEIR_LOG_UNREADABLE',
    `the log at ${path} can't be opened: ${reason}`,
    { path, reason, kind },
    { cause },
  )
