import { createHash, sign, verify } from 'node:crypto'
import { canonicalJson } from '@weir/core/json.js'
import { publicKeyOf, type SigningKey } from './key.js'

/** What is said of a log at one event. */
export interface CheckpointBody {
  readonly format: 1
  readonly seq: number
  /** Chain hash of the group that ends with event `seq`, hex: it stands for every event up to there. */
  readonly head: string
  /** Digest of the tables after event `seq`, and of its parts. */
  readonly digest: {
    readonly hex: string
    /** Of how digests are taken. */
    readonly version: number
    readonly parts: Readonly<Record<string, string>>
  }
  /** Milliseconds since the epoch, by the clock of whoever signed. */
  readonly time: number
  /** Build that came to the digest. */
  readonly build: string
  /** SHA-256 of the signature before, hex; '' for the first one: none can be taken out from between two. */
  readonly previous: string
  /** Public key, `ed25519:…`. */
  readonly key: string
}

export interface Checkpoint extends CheckpointBody {
  /** Ed25519 over `weir checkpoint`, a newline and the other fields as JSON with sorted keys; base64. */
  readonly signature: string
}

export function signCheckpoint(said: Omit<CheckpointBody, 'format' | 'key'>, key: SigningKey): Checkpoint {
  const { seq, head, digest, time, build, previous } = said
  const body: CheckpointBody = { format: 1, seq, head, digest, time, build, previous, key: key.name }
  return { ...body, signature: sign(null, signedBytes(body), key.privateKey).toString('base64') }
}

/** Whether the checkpoint is as the holder of the key that it names signed it. */
export function isSigned({ signature, ...body }: Checkpoint): boolean {
  try {
    return verify(null, signedBytes(body), publicKeyOf(body.key), Buffer.from(signature, 'base64'))
  } catch {
    return false
  }
}

/** What the next checkpoint has as `previous`. */
export const linkTo = (checkpoint: Checkpoint | undefined): string =>
  checkpoint === undefined ? '' : createHash('sha256').update(checkpoint.signature).digest('hex')

const signedBytes = (body: CheckpointBody): Buffer => Buffer.from(`weir checkpoint\n${canonicalJson(body)}`)

/** Undefined for what can't be a checkpoint. Checks no signature. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  let parsed: Partial<Checkpoint> | null
  try {
    parsed = JSON.parse(text) as Partial<Checkpoint> | null
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null || parsed.format !== 1) return undefined
  const { seq, head, digest, time, build, previous, key, signature } = parsed
  const isWhole =
    Number.isSafeInteger(seq) &&
    typeof time === 'number' &&
    typeof digest?.hex === 'string' &&
    typeof digest.version === 'number' &&
    typeof digest.parts === 'object' &&
    [head, build, previous, key, signature].every(text => typeof text === 'string')
  return isWhole ? (parsed as Checkpoint) : undefined
}
