import { WeirError } from '@weir/core'

/** A word of a question that can't be understood. */
export function invalidWord(
  path: string,
  message: string,
  value: string,
  expected: string,
): WeirError<'WEIR_REQUEST_INVALID'> {
  return new WeirError('WEIR_REQUEST_INVALID', message, { problems: [{ path, message, value, expected }] })
}
