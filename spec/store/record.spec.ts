import { eventSchemaVersion } from '@weir/core/event/event.js'
import { composeUpcast } from '@weir/core/event/upcast.js'
import { emptyHead, EventLog } from '@weir/store'
import { encodeGroup } from '@weir/store/log/group.js'
import { encodeHead } from '@weir/store/log/head.js'
import { binary, groupKey, headKey } from '@weir/store/log/keys.js'
import { createRecordCodec } from '@weir/store/log/record.js'
import { shapesOf } from '@weir/store/log/shapes.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { codeOf } from './conformance.js'
import { anyDraft, draft, readAll } from './drafts.js'
import { memoryPlace } from './places.js'

const recordOf = (codec: ReturnType<typeof createRecordCodec>, of: Parameters<typeof codec.encode>[0]): Buffer => {
  const { buffer, start, end } = codec.encode(of)
  return Buffer.from(buffer.subarray(start, end))
}

describe('records', function () {
  this.timeout(30_000)

  it('can be decoded alone, by a codec that saw none of the others', () => {
    const codec = createRecordCodec()
    fc.assert(
      fc.property(anyDraft, of => {
        expect(createRecordCodec().decode(recordOf(codec, of), 7)).to.deep.equal({ ...of, seq: 7 })
      }),
      { numRuns: 300 },
    )
  })

  it('of every listed shape come back whole', () => {
    const codec = createRecordCodec()
    for (const shape of shapesOf(eventSchemaVersion)) {
      const body = Object.fromEntries(shape.map((name, i) => [name, `value ${i}`]))
      expect(codec.decode(recordOf(codec, body as never), 3)).to.deep.equal({ ...body, seq: 3 })
      const nested = { ...draft(1), nested: body, list: [body, body] }
      expect(codec.decode(recordOf(codec, nested), 3)).to.deep.equal({ ...nested, seq: 3 })
    }
  })

  it('of older versions are lifted when read, and stay as they were in the log and its exports', async () => {
    const upcast = composeUpcast(new Map([[0, record => ({ ...record, kind: 'time.passed', until: record.at })]]), 1)
    const old = { kind: 'clock.ticked', at: 42, time: 5, source: 'old' }
    const lifted = { ...old, kind: 'time.passed', until: 42, seq: 1 }
    const record = createRecordCodec().encodeRaw(0, old)
    expect(createRecordCodec(upcast).decode(record, 1)).to.deep.equal(lifted)

    const { database, storage } = memoryPlace()
    await (await EventLog.open({ storage: storage() })).close()
    await database.open()
    const { value, hash } = encodeGroup(1, emptyHead.hash, [record.length], [record])
    await database.put(groupKey(1), value, binary)
    await database.put(headKey, encodeHead({ seq: 1, hash }), binary)
    const log = await EventLog.open({ storage: storage(), upcast })
    await log.append([draft(2)])
    const events = [lifted, { ...draft(2), seq: 2 }]
    expect(await readAll(log)).to.deep.equal(events)
    const text = await exported(log)
    expect(text.split('\n')[1]).to.contain('"version":0,"event":{"kind":"clock.ticked"')
    const copy = await EventLog.open({ storage: memoryPlace().storage(), upcast })
    expect(await copy.import([text])).to.deep.equal(log.head)
    expect(await readAll(copy)).to.deep.equal(events)

    // A build without the lift says so for that event and reads the other.
    await log.close()
    const plain = await EventLog.open({ storage: storage() })
    expect((await plain.verify()).findings.map(({ kind, seq }) => [kind, seq])).to.deep.equal([['undecodable', 1]])
    expect(await readAll(plain, { from: 2 })).to.deep.equal([events[1]])
  })

  it('of a later version are named, not guessed at', async () => {
    const record = createRecordCodec().encodeRaw(9, draft(1))
    const work = async (): Promise<unknown> => createRecordCodec().decode(record, 1)
    expect(await codeOf(work())).to.equal('WEIR_EVENT_VERSION')
  })
})

async function exported(log: EventLog): Promise<string> {
  let text = ''
  for await (const part of log.export()) text += part
  return text
}
