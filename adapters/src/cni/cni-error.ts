/** Codes of the CNI specification, and from 100 on our own. */
export const cniCodes = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  ioFailure: 5,
  undecodable: 6,
  invalidConfig: 7,
  invalidNetns: 8,
  tryAgain: 11,
  notAvailable: 50,
  addressesExhausted: 100,
  interfaceFailed: 101,
  notAsItWas: 102,
} as const

export type CniCode = (typeof cniCodes)[keyof typeof cniCodes]

/** What a runtime is told when a request can't be done. */
export class CniError extends Error {
  override readonly name = 'CniError'
  readonly code: CniCode
  readonly details: string

  /** @param details for people: what would be right, what the kernel said */
  constructor(code: CniCode, message: string, details = '', options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.details = details
  }
}
