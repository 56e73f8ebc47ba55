import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { Checkpoints } from '@weir/adapters/agent/checkpointer.js'
import type { Checkpoint } from '@weir/store'
import { failure, type Faults, type DiskCode } from './faults.js'
import type { Life } from './life.js'

/** PKCS #8 of an Ed25519 key, up to its 32 bytes (RFC 8410). */
const header = '302e020100300506032b657004220420'
const privateKey = createPrivateKey({
  key: Buffer.from(header + '57'.repeat(32), 'hex'),
  format: 'der',
  type: 'pkcs8',
})
const key = { privateKey, name: `ed25519:${createPublicKey(privateKey).export({ format: 'jwk' }).x}` }

/** Checkpoints as a process has them; those that were added stay. */
export function simulatedCheckpoints(kept: Checkpoint[], life: Life, faults: Faults<DiskCode>): Checkpoints {
  return {
    key,
    get last() {
      return kept.at(-1)
    },
    all: async () => [...kept],
    async add(checkpoint) {
      life.operation()
      await life.io()
      const code = faults.next()
      if (code !== undefined) throw failure(code, 'write')
      kept.push(checkpoint)
      life.operation()
    },
  }
}
