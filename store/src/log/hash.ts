import { hash } from 'node:crypto'

export const hashBytes = 32

/**
 * SHA-256 as a string of 32 characters, one per byte. The one-shot call with a string result costs a third of one that
 * makes a Buffer, and a hash is made for each record.
 */
export function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'binary')
}

/** SHA-256 as 64 hex digits. */
export const sha256Hex = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex')
