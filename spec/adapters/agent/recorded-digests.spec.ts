import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { digestsOf, splitAt } from '@weir/adapters/agent/restore.js'
import type { WeirEvent } from '@weir/core'
import { EventLog, readCheckpoints } from '@weir/store'
import { expect } from 'chai'
import fc from 'fast-check'
import { sampling } from '../../oracle/generate/seed.js'
import { allow, smallShop } from './cluster.js'

describe('digests that lie with a log', function () {
  this.timeout(30_000)

  it('are those of snapshots and checkpoints in the order of events, each once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weir-digests-'))
    try {
      const options = { stateFolder: folder, node: 'n1', backend: 'memory', clock: systemClock } as const
      const agent = await createAgent({ ...options, snapshotEvery: 6, checkpointEvery: 4 })
      await agent.submit('spec', smallShop.slice(1))
      for (let at = 0; at < 20; at++)
        await agent.submit('spec', [{ kind: 'networkpolicy.upserted', policy: allow('p', 'cart', `w${at}`, 80) }])
      await agent.stop()
      const log = await EventLog.openReadOnly({ path: join(folder, 'log') })
      try {
        const signed = (await readCheckpoints(log.location)).checkpoints.map(({ seq }) => seq)
        const kept = await log.snapshots.list('engine')
        const found = (await digestsOf(log)).map(({ seq }) => seq)
        expect(found).to.deep.equal([...new Set([...signed, ...kept])].sort((a, b) => a - b))
        expect(signed.length + kept.length, 'one event has both').to.be.greaterThan(found.length)
      } finally {
        await log.close()
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('split batches right behind their events', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(20), fc.uniqueArray(fc.nat(50)), (from, length, drawn) => {
        const batch = Array.from({ length }, (_, at) => ({ seq: from + at + 1 }) as WeirEvent)
        const stops = drawn.sort((a, b) => a - b)
        const parts = splitAt(batch, stops)
        expect(parts.flat()).to.deep.equal(batch)
        const ends = parts.map(part => part.at(-1)!.seq)
        const within = stops.filter(seq => batch.some(event => event.seq === seq))
        expect(ends.filter(seq => stops.includes(seq))).to.deep.equal(within)
        expect(parts.length - within.length).to.equal(length > 0 && !stops.includes(from + length) ? 1 : 0)
      }),
      sampling('splitting batches', 300),
    )
  })
})
