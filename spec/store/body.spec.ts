import { createBodyReader } from '@weir/store/log/body.js'
import { eventSchemaVersion } from '@weir/core/event/event.js'
import { createRecordCodec } from '@weir/store/log/record.js'
import { shapesOf } from '@weir/store/log/shapes.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { anyDraft, draft } from './drafts.js'

const codec = createRecordCodec()
const recordOf = (body: unknown): Buffer => codec.encodeRaw(eventSchemaVersion, body)
const newReader = (): ReturnType<typeof createBodyReader> => createBodyReader(shapesOf(eventSchemaVersion))
/** What the reader makes of a body, and what the library does. */
const readBoth = (reader: ReturnType<typeof newReader>, body: unknown): readonly [unknown, unknown] => {
  const record = recordOf(body)
  return [reader.read(record, 1, record.length, 7), codec.decodeRaw(record).body]
}

describe('the reader of bodies', function () {
  this.timeout(30_000)

  it('makes of them what the library does, or leaves them to it', () => {
    const reader = newReader()
    fc.assert(
      fc.property(anyDraft, fc.object({ withBigInt: false, withDate: false }), (of, extra) => {
        for (const body of [of, { ...draft(1), kind: 'pod.upserted', pod: extra }]) {
          const [read, known] = readBoth(reader, body)
          if (read !== undefined) expect(read).to.deep.equal({ ...(known as object), seq: 7 })
        }
      }),
      { numRuns: 500 },
    )
  })

  it('reads every listed shape itself', () => {
    const reader = newReader()
    for (const [index, shape] of shapesOf(eventSchemaVersion).entries()) {
      const body = Object.fromEntries(
        shape.map((name, i) => [name, [i + 1, -i - 1, i * 300, i * 1e6, i / 3, i % 2 === 0, null]]),
      )
      expect(readBoth(reader, body)[0], `shape ${index}`).to.deep.equal({ ...body, seq: 7 })
    }
  })

  it('gives equal text back as written, however much there was in between', () => {
    const reader = newReader()
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 100_000; i += 10) {
        const labels = Object.fromEntries(
          Array.from({ length: 10 }, (_, n) => [`key-${(i + n) % 977}`, `value ${i + n}`]),
        )
        const body = { kind: 'time.passed', until: labels, time: i, source: 'x'.repeat(i % 70) }
        expect(readBoth(reader, body)[0]).to.deep.equal({ ...body, seq: 7 })
      }
    }
  })

  it('leaves what is past the everyday to the library', () => {
    const reader = newReader()
    const odd = ['é', 'é'.repeat(40), 2n ** 40n, undefined, new Date(5), { kind: 'of no listed shape' }]
    for (const until of odd) {
      const body = { kind: 'time.passed', until, time: 1, source: 'test' }
      expect(readBoth(reader, body)[0], String(until)).to.equal(undefined)
      expect(codec.decode(recordOf(body), 7)).to.deep.equal({ ...body, seq: 7 })
    }
    const renamed = JSON.parse('{"kind":"time.passed","until":{"__proto__":{"a":1}},"time":1,"source":"x"}')
    expect(readBoth(reader, renamed)[0]).to.equal(undefined)
  })

  it('reads nothing of a body that was cut off, and the next one all the same', () => {
    const reader = newReader()
    fc.assert(
      fc.property(anyDraft, of => {
        const record = recordOf(of)
        const whole = reader.read(record, 1, record.length, 7)
        for (let end = 1; end < record.length; end++) expect(reader.read(record, 1, end, 7)).to.equal(undefined)
        expect(reader.read(record, 1, record.length, 7)).to.deep.equal(whole)
      }),
      { numRuns: 100 },
    )
  })
})
