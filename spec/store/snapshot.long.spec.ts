import { EventLog } from '@weir/store'
import { binary } from '@weir/store/log/keys.js'
import { expect } from 'chai'
import { draftsOf } from './drafts.js'
import { folderPlace, storageAt } from './places.js'

describe('a large snapshot', function () {
  this.timeout(300_000)

  it('of 100 MB is stored in parts, read back whole, and replaced', async () => {
    const place = await folderPlace()
    try {
      const log = await EventLog.open({ storage: storageAt(place.path), keepSnapshots: { count: 2 } })
      await log.append(draftsOf(10))
      for (const seq of [1, 2, 3]) {
        const state = {
          seq,
          rows: new Map(Array.from({ length: 400_000 }, (_, i) => [i, `${seq} ${i} `.padEnd(250, 'x')])),
        }
        await log.snapshots.write('engine', seq, state)
      }
      const latest = (await log.snapshots.latest('engine'))?.state as { seq: number; rows: Map<number, string> }
      expect(latest.seq).to.equal(3)
      expect(latest.rows.size).to.equal(400_000)
      expect(latest.rows.get(399_999)).to.match(/^3 399999 x+$/)
      expect(await log.snapshots.list('engine')).to.deep.equal([2, 3])
      await log.close()
      const storage = storageAt(place.path)
      const database = await storage.open()
      let parts = 0
      for await (const value of database.values<Buffer, Buffer>({
        gt: Buffer.from('s'),
        lt: Buffer.from('t'),
        ...binary,
      })) {
        expect(value.length).to.be.at.most(1 << 20)
        parts++
      }
      expect(parts).to.be.within(2 * 100, 2 * 130)
      await storage.close(database)
    } finally {
      await place.remove()
    }
  })
})
