import { mkdirSync } from 'node:fs'
import type { Backend, KernelBackendOptions } from '@weir/datapath'
import { createKernelBackend } from '@weir/datapath/kernel/backend.js'
import { pairHash, pairSet, pairMark } from '@weir/datapath/pairs/place.js'
import { expect } from 'chai'
import { createMap, mountBpffs, probe } from 'ebpf-napi'
import { type Half, halves, placed, writeHalf } from './packets/pairs.js'
import { whyNoKernel } from './packets/requires.js'

const reason = whyNoKernel()
const node = `weir-pairs-${process.pid}`
const bpffs = '/sys/fs/bpf'
const small = { weir_ct4: 1024, weir_ct6: 1024, weir_rows: 4096, weir_nat4: 1000, weir_nat6: 1000 }
const kinds = { nodePort: 4, masquerade: 6 }
const far = 1n << 60n

const address = (family: 4 | 6, last: number): Uint8Array => {
  const bytes = new Uint8Array(family === 4 ? 4 : 16)
  bytes[0] = family === 4 ? 192 : 0xfd
  bytes[bytes.length - 1] = last
  return bytes
}

/** A flow to a backend of the node's, and one of a pod's that leaves under another port. */
function flows(family: 4 | 6): readonly Half[] {
  const [client, service, backend, own] = [1, 2, 3, 4].map(last => address(family, last)) as [
    ...[Uint8Array, Uint8Array, Uint8Array, Uint8Array],
  ]
  const is = { timeout: 60, backend: 7, seen: [2, 16] }
  const rest = { protocol: 6, isReply: false, expires: far, is }
  return [
    {
      ...{ ...rest, kind: kinds.nodePort },
      before: { source: client, destination: service, sourcePort: 4000, destinationPort: 80 },
      after: { source: client, destination: backend, sourcePort: 4000, destinationPort: 8080 },
    },
    {
      ...{ ...rest, kind: kinds.masquerade },
      before: { source: backend, destination: client, sourcePort: 5000, destinationPort: 53 },
      after: { source: own, destination: client, sourcePort: 6000, destinationPort: 53 },
    },
  ]
}

describe(`pairs of an earlier run${reason === undefined ? '' : ` (${reason})`}`, function () {
  this.timeout(60_000)
  before(function () {
    if (reason !== undefined) this.skip()
  })

  const open = (options: Partial<KernelBackendOptions> = {}) =>
    createKernelBackend({ node, maxEntries: small, ...options })

  afterEach(() => {
    if (reason !== undefined) return
    const last = open()
    last.uninstall()
    last.close()
  })

  const tables = ({ maps }: Backend) => {
    const map = (name: string) => maps[name as 'weir_nat4']
    return {
      lookup: (name: string, key: Uint8Array) => map(name).lookup(key),
      update: (name: string, key: Uint8Array, value: Uint8Array) => map(name).update(key, value),
      size: (name: string) => map(name).maxEntries,
    }
  }
  const seedOf = ({ maps }: Backend): bigint => {
    const bytes = Uint8Array.from(maps.weir_pair_seed.lookup(new Uint8Array(4))!)
    return new BigUint64Array(bytes.buffer)[0]!
  }
  const keys = (backend: Backend, family: 4 | 6): string[] =>
    halves(tables(backend), family)
      .map(key => Buffer.from(key).toString('hex'))
      .sort()

  function expectPlaced(backend: Backend, family: 4 | 6): void {
    const seed = seedOf(backend)
    expect(seed).not.to.equal(0n)
    for (const { set, mark, entry } of placed(tables(backend), family)) {
      const hash = pairHash(entry, seed)
      expect(set).to.equal(pairSet(hash, tables(backend).size(`weir_nat${family}`)))
      expect(mark).to.deep.equal(pairMark(hash, entry.expires))
    }
  }

  for (const family of [4, 6] as const) {
    /** As the map had them that came before: an entry a direction. */
    function asBefore(): { readonly key: Uint8Array; readonly value: Uint8Array }[] {
      return flows(family).flatMap(({ before, after, kind, protocol, expires }) =>
        [false, true].map(isReply => {
          const turned = ({ source, destination, sourcePort, destinationPort }: typeof before) => ({
            source: destination,
            destination: source,
            sourcePort: destinationPort,
            destinationPort: sourcePort,
          })
          const [from, to] = isReply ? [turned(after), turned(before)] : [before, after]
          const port = (value: number): number[] => [value >> 8, value & 255]
          const key = Uint8Array.from([
            ...[...from.source, ...from.destination, ...port(from.sourcePort), ...port(from.destinationPort)],
            ...[protocol, 0, 0, 0],
          ])
          const value = new Uint8Array(family === 4 ? 64 : 104)
          const view = new DataView(value.buffer)
          view.setBigUint64(0, expires, true)
          view.setUint16(8, 60, true)
          value.set([2, 16, kind, isReply ? 1 : 0, ...port(to.sourcePort), ...port(to.destinationPort)], 10)
          view.setUint32(20, 7, true)
          value.set([...to.source, ...to.destination], 48)
          return { key, value }
        }),
      )
    }

    it(`IPv${family}: entries of one direction each become what there is now`, () => {
      if (!probe.isBpffs(bpffs)) mountBpffs(bpffs)
      const folder = `${bpffs}/weir/${node}/maps`
      mkdirSync(folder, { recursive: true })
      const [keySize, valueSize] = family === 4 ? [16, 64] : [40, 104]
      const old = createMap({ type: 'lru_hash', name: `weir_nat${family}`, keySize, valueSize, maxEntries: 1024 })
      for (const { key, value } of asBefore()) old.update(key, value)
      old.pin(`${folder}/weir_nat${family}`)
      old.close()
      const backend = open()
      try {
        expect(backend.features.maps).to.include(
          `weir_nat${family}: type lru_hash became array, 3 entries carried over`,
        )
        const wanted = asBefore().map(({ key }) => Buffer.from(key.subarray(0, key.length - 3)).toString('hex'))
        expect(keys(backend, family)).to.deep.equal(wanted.sort())
        expectPlaced(backend, family)
        const whole = placed(tables(backend), family).filter(({ entry }) => entry.isWhole)
        expect(whole.map(({ entry }) => entry.kind)).to.deep.equal([kinds.nodePort])
      } finally {
        backend.close()
      }
    })

    it(`IPv${family}: goes over into another number of sets, and is found again after a restart`, () => {
      const first = open()
      // Where they lie here doesn't matter: they are found by what they say.
      for (const half of flows(family))
        for (const isReply of [false, true]) writeHalf(tables(first), family, { ...half, isReply })
      const wanted = keys(first, family)
      const seed = seedOf(first)
      first.close()
      expect(wanted).to.have.length(4)
      for (const [entries, note] of [
        [2000, 'maxEntries 125 became 250, 3 entries carried over'],
        [2000, 'taken over'],
      ] as const) {
        const backend = open({ maxEntries: { ...small, [`weir_nat${family}`]: entries } })
        try {
          expect(backend.features.maps).to.include(`weir_nat${family}: ${note}`)
          expect(seedOf(backend)).to.equal(seed)
          expect(keys(backend, family)).to.deep.equal(wanted)
          expectPlaced(backend, family)
          expect(backend.sweep()[`nat${family}`]).to.deep.equal({ seen: 3, removed: 0 })
        } finally {
          backend.close()
        }
      }
    })
  }
})
