import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { WeirError } from '@weir/core/errors.js'

/** A private key that signs checkpoints, and the name of its public half. */
export interface SigningKey {
  readonly privateKey: KeyObject
  /** `ed25519:` and the public key, 32 bytes in base64url: the name is the key. */
  readonly name: string
}

const prefix = 'ed25519:'

/**
 * Reads an Ed25519 key in PEM (PKCS #8), or makes one where there is none yet: readable by its owner alone.
 *
 * @throws WeirError WEIR_CHECKPOINT_KEY for a file that isn't such a key, or can't be read or made.
 */
export async function signingKey(file: string, make: boolean): Promise<SigningKey> {
  try {
    const privateKey = createPrivateKey(await readFile(file).catch(error => (make ? made(file, error) : fail(error))))
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error(`it is a key for ${privateKey.asymmetricKeyType}`)
    return { privateKey, name: nameOf(createPublicKey(privateKey)) }
  } catch (cause) {
    throw unusable(file, cause)
  }
}

/** The public half in PEM (SPKI), as `publicKeyName` reads it. */
export function publicPem(name: string): string {
  return publicKeyOf(name).export({ type: 'spki', format: 'pem' }) as string
}

/**
 * The name of a public key: given as such, or as PEM.
 *
 * @throws WeirError WEIR_CHECKPOINT_KEY
 */
export function publicKeyName(text: string, where: string): string {
  try {
    if (text.trim().startsWith(prefix)) return nameOf(publicKeyOf(text.trim()))
    if (text.includes('PRIVATE')) throw new Error('it is a private key: name the public one')
    return nameOf(createPublicKey(text))
  } catch (cause) {
    throw unusable(where, cause)
  }
}

/** Throws where the name isn't one. */
export function publicKeyOf(name: string): KeyObject {
  if (!/^ed25519:[\w-]{43}$/.test(name)) throw new Error('ed25519: and 43 characters of base64url are expected')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: name.slice(prefix.length) }, format: 'jwk' })
}

function nameOf(key: KeyObject): string {
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is a key for ${key.asymmetricKeyType}`)
  return `${prefix}${key.export({ format: 'jwk' }).x}`
}

async function made(file: string, error: NodeJS.ErrnoException): Promise<string> {
  if (error.code !== 'ENOENT') throw error
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  // Whole or not there: half a key would keep the agent from starting again.
  await writeFile(`${file}.new`, pem, { mode: 0o600, flush: true })
  await rename(`${file}.new`, file)
  return pem
}

function fail(error: unknown): never {
  throw error
}

function unusable(path: string, cause: unknown): WeirError<'WEIR_CHECKPOINT_KEY'> {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new WeirError(
    'WEIR_CHECKPOINT_KEY',
    `${path} isn't a key for checkpoints: ${reason}`,
    { path, reason },
    { cause },
  )
}
