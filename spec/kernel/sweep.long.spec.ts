import { expect } from 'chai'
import { loadObject } from 'ebpf-napi'
import { encode } from './packets/btf-value.js'
import { layoutOf, objectPath } from './packets/machine.js'
import { whyNoKernel } from './packets/requires.js'

const entries = 500_000
const missing = whyNoKernel()

describe(`the sweep of ${entries} flows${missing === undefined ? '' : ` (${missing})`}`, () => {
  before(function () {
    if (missing !== undefined) this.skip()
  })

  it('takes less than a second, whether all of them go or none', function () {
    this.timeout(60_000)
    const object = loadObject(objectPath, { maxEntries: { weir_ct4: 2 * entries } })
    try {
      const map = object.maps.get('weir_ct4')!
      const sweep = object.programs.get('weir_sweep')!
      const { keySize, valueSize } = map.info
      const keys = new Uint8Array(entries * keySize)
      const view = new DataView(keys.buffer)
      for (let i = 0; i < entries; i++) view.setUint32(i * keySize, i)
      const times: number[] = []
      for (const expires of [1n << 62n, 1n]) {
        const value = encode(layoutOf('weir_ct4').value, { expires })
        const values = new Uint8Array(entries * valueSize)
        for (let i = 0; i < entries; i++) values.set(value, i * valueSize)
        map.updateBatch(keys, values, entries)
        const start = process.hrtime.bigint()
        const { context } = sweep.testRun({ context: new Uint8Array(32) })
        times.push(Number(process.hrtime.bigint() - start) / 1e6)
        const [seen, removed] = new Uint32Array(context!.slice().buffer)
        // An LRU map may have evicted some before it was full.
        expect(seen).to.be.within(entries * 0.9, entries)
        expect(removed).to.equal(expires === 1n ? seen : 0)
      }
      console.log(`      none expired ${times[0]!.toFixed(1)} ms, all expired ${times[1]!.toFixed(1)} ms`)
      expect(Math.max(...times)).to.be.lessThan(1000)
    } finally {
      object.close()
    }
  })
})
