import { readFileSync } from 'node:fs'
import { codecs } from '@weir/datapath'
import { codecOf } from '@weir/datapath/codec/codec.js'
import { layout } from '@weir/datapath/layout.generated.js'
import { expect } from 'chai'

const root = new URL('../../../', import.meta.url)

describe('layout and codecs', () => {
  it('are those of the object that the C source makes', async function () {
    this.timeout(20_000)
    const { generate } = (await import(new URL('datapath/generate-layout.mjs', root).href)) as { generate(): string }
    const committed = readFileSync(new URL('datapath/src/layout.generated.ts', root), 'utf8')
    expect(generate(), 'run node datapath/generate-layout.mjs').to.equal(committed)
  })

  it('know every size that the maps have', () => {
    for (const [name, map] of Object.entries(layout.maps)) {
      if (!('key' in map)) continue
      expect(codecOf(map.key).size, name).to.equal(map.keySize)
      expect(codecOf(map.value).size, name).to.equal(map.valueSize)
    }
  })

  it('read and write bit fields where the C compiler has them', () => {
    const key = codecs.cellKey.encode({ subject: 0x01020304, direction: 1, peer_class: 0x40000001 })
    expect([...key]).to.deep.equal([0x04, 0x03, 0x02, 0x01, 0x03, 0x00, 0x00, 0x80])
    expect(codecs.cellKey.read(key)).to.deep.equal({ subject: 0x01020304, direction: 1, peer_class: 0x40000001 })
  })

  it('bring values back as they were, without padding', () => {
    const endpoint = {
      generation: 7,
      ifindex: 3,
      pod_mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
      host_mac: Uint8Array.of(2, 0, 0, 0, 0, 2),
      identity: 70_000,
      flags: 1,
    }
    expect(codecs.endpoint.read(codecs.endpoint.encode(endpoint))).to.deep.equal(endpoint)
    const ct = {
      expires: 2n ** 63n,
      generation: 1,
      slot: [256, 9],
      timeout: 60,
      seen: Uint8Array.of(1, 2),
      originator: 1,
      cut: 0,
      flags: 1,
    }
    expect(codecs.conntrack.read(codecs.conntrack.encode(ct))).to.deep.equal(ct)
  })
})
