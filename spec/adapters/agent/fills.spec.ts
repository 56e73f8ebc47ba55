import { systemClock } from '@weir/adapters/agent/clock.js'
import { createDatapath } from '@weir/adapters/agent/datapath.js'
import { createMemoryBackend } from '@weir/datapath'
import { expect } from 'chai'

describe('how full the maps of an agent are', () => {
  it('is counted in steps, between which other work is done', async () => {
    const entries = 5000
    const backend = createMemoryBackend()
    const { weir_ct4: map } = backend.maps
    const keys = Buffer.alloc(entries * map.keySize)
    for (let at = 0; at < entries; at++) keys.writeUInt32BE(at + 1, at * map.keySize)
    map.updateBatch(keys, new Uint8Array(entries * map.valueSize), entries)
    let turns = 0
    const nextTurn = async (): Promise<void> => {
      turns += 1
      await systemClock.nextTurn()
    }
    const clock = { ...systemClock, nextTurn }
    const datapath = createDatapath(backend, { clock, labelsOf: () => undefined }, () => {})
    try {
      const { maxEntries } = map
      const fills = await datapath.fills()
      expect(fills).to.deep.include({ name: 'weir_ct4', entries, maxEntries, evicts: false })
      expect(fills.find(({ name }) => name === 'weir_ct6')?.entries).to.equal(0)
      expect(turns).to.be.at.least(Math.floor(entries / 1024))
    } finally {
      datapath.close()
    }
  })
})
