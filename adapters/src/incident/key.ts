import { createHmac, randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { WeirError } from '@weir/core'
import type { Keyed } from '@weir/core/pseudonym/keyed.js'

const keyBytes = 32

/** HMAC-SHA-256 of what is asked for, its domain before it. */
export const keyedBy =
  (key: Buffer): Keyed =>
  (domain, text) =>
    createHmac('sha256', key).update(`${domain}\0${text}`).digest()

/** A key that nobody keeps: what it makes can't be told from another file's. */
export const passingKey = (): Buffer => randomBytes(keyBytes)

/**
 * Reads a key of 32 bytes in hex, or makes one where there is none yet: readable by its owner alone.
 *
 * @throws WeirError WEIR_PSEUDONYM_KEY for a file that isn't such a key, or can't be read or made
 */
export async function pseudonymKey(file: string, make: boolean): Promise<Buffer> {
  try {
    const text = await readFile(file, 'utf8').catch(error => (make ? made(file, error) : fail(error)))
    if (!/^[0-9a-f]{64}\n?$/.test(text)) throw new Error('64 hexadecimal digits are expected')
    return Buffer.from(text.trim(), 'hex')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `${file} isn't a key for pseudonyms: ${reason}`
    throw new WeirError('WEIR_PSEUDONYM_KEY', message, { path: file, reason }, { cause })
  }
}

async function made(file: string, error: NodeJS.ErrnoException): Promise<string> {
  if (error.code !== 'ENOENT') throw error
  const text = `${passingKey().toString('hex')}\n`
  // Whole or not there: half a key would be another one.
  await writeFile(`${file}.new`, text, { mode: 0o600, flush: true })
  await rename(`${file}.new`, file)
  return text
}

function fail(error: unknown): never {
  throw error
}
