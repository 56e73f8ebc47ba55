import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

/** This file runs as spec/dist/adapters/cli/interrupted-compute.spec.js. */
const root = fileURLToPath(new URL('../../../..', import.meta.url))

const keys = Array.from({ length: 12 }, (_, key) => `k${key}`)
const notIn = (policy: number) => ({
  matchExpressions: keys.map((key, at) => ({
    key,
    operator: 'NotIn',
    values: [0, 1, 2, 3, 4].map(value => `${(value * 7 + at + policy * 5) % 20}`),
  })),
})

/** Policies that tell more kinds of pods apart than can be compared in any time. */
const policies = [0, 1, 2, 3, 4].map(policy => ({
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumNetworkPolicy',
  metadata: { name: `p${policy}` },
  spec: { endpointSelector: notIn(policy), ingress: [{ fromEndpoints: [notIn(policy + 5)] }] },
}))

describe('weir compare that takes long', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-interrupted-compute-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('ends at the first Ctrl-C', async () => {
    const [full, empty] = [join(folder, 'full.json'), join(folder, 'empty.yaml')]
    await writeFile(full, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: policies }))
    await writeFile(empty, '')
    const words = [join(root, 'adapters/bin/weir.mjs'), 'compare', full, empty]
    const child = spawn(process.execPath, words, { cwd: root, stdio: 'ignore' })
    const ended = once(child, 'close') as Promise<[number | null, string | null]>
    try {
      await later(4000)
      expect(child.exitCode, 'it is at it').equals(null)
      child.kill('SIGINT')
      const [code, signal] = (await Promise.race([ended, later(6000, ['not', 'yet'])])) as [unknown, unknown]
      expect(signal ?? code).to.be.oneOf(['SIGINT', 130])
    } finally {
      child.kill('SIGKILL')
    }
  }).timeout(20_000)
})
