import type { Clock } from '@weir/adapters/agent/clock.js'
import { FlowRecorder } from '@weir/adapters/flows/recorder.js'
import { databaseStorage, flowRow, type FlowRow, FlowStore, type LogDatabase, selectRows } from '@weir/store'
import { expect } from 'chai'
import { MemoryLevel } from 'memory-level'
import { FaultyLevel } from '../../store/faulty-level.js'
import { batchOf, packet } from './records.js'

/** A clock that stands still but for what it is told, and whose timers fire when told. */
function standing() {
  const timers = new Set<() => unknown>()
  const time = { nowMs: 1_700_000_000_000 }
  const clock: Clock = {
    nowMs: () => time.nowMs,
    nextTurn: () => Promise.resolve(),
    every: (_periodMs, work) => {
      timers.add(work)
      return { stop: () => void timers.delete(work) }
    },
  }
  return { clock, time, fire: () => Promise.all([...timers].map(work => work())) }
}

function recorder(database: LogDatabase, capacity = 1024) {
  const ground = { ...standing(), seq: 7, reports: [] as string[] }
  const made = new FlowRecorder({
    storage: databaseStorage(database),
    clock: ground.clock,
    seq: () => ground.seq,
    retention: { ageMs: 60_000, sizeBytes: 1e9 },
    capacity,
    report: message => void ground.reports.push(message),
  })
  return { ...ground, ground, made }
}

async function rowsIn(database: LogDatabase): Promise<FlowRow[]> {
  const store = await FlowStore.open(databaseStorage(database))
  const rows: FlowRow[] = []
  for await (const block of store.read()) for (const at of selectRows(block, {})) rows.push(flowRow(block, at))
  await store.close()
  return rows
}

const newDatabase = (): LogDatabase => new MemoryLevel() as unknown as LogDatabase
const ports = (count: number, from = 1) =>
  Array.from({ length: count }, (_, at) => packet({ destinationPort: from + at }))

describe('keeping flow history', () => {
  it('writes a window when its time is over, each flow with the sequence it was first seen at', async () => {
    const database = newDatabase()
    const { made, ground, fire } = recorder(database)
    await made.start()
    made.push(batchOf([packet(), packet({ length: 40 })]))
    ground.seq = 9
    made.push(batchOf([packet(), packet({ destinationPort: 443 })]))
    await fire()
    expect(made.figures).to.include({ packets: 4, lostPackets: 0, rows: 2, windows: 1 })
    made.push(batchOf([packet()]))
    await made.close()
    const rows = await rowsIn(database)
    expect(rows.map(({ port, packets, bytes, seq }) => [port, packets, bytes, seq])).to.deep.equal([
      [80, 3, 160, 7],
      [443, 1, 60, 9],
      [80, 1, 60, 9],
    ])
  })

  it('holds what waits its turn, though the batch’s memory is the next one’s', async () => {
    const database = newDatabase()
    const { made, time, fire, ground } = recorder(database)
    await made.start()
    // Each look at the clock takes longer than a stretch of work may.
    Object.assign(ground.clock, { nowMs: () => (time.nowMs += 3) })
    const told = batchOf([packet()])
    for (let port = 1; port <= 5; port++) {
      told.data.set(batchOf(ports(1, port)).data)
      made.push(told)
    }
    told.data.fill(0)
    for (let turn = 0; turn < 10; turn++) await fire()
    await made.close()
    const rows = await rowsIn(database)
    expect(rows.map(({ port }) => port).sort()).to.deep.equal([1, 2, 3, 4, 5])
  })

  it('ends a window that is full, and counts what comes while both are', async () => {
    const database = new FaultyLevel()
    let letOn: () => void = () => {}
    const { made } = recorder(database.asLog, 4)
    await made.start()
    database.fault = () =>
      new Promise<void>(resolve => {
        letOn = resolve
      })
    made.push(batchOf(ports(10)))
    expect(made.figures.lostPackets, 'four in each window, two in none').to.equal(2)
    while (database.writes < 2) await new Promise(setImmediate)
    database.fault = () => undefined
    letOn()
    await made.flush()
    await made.flush()
    expect(made.figures).to.include({ rows: 8, windows: 2, lostPackets: 2 })
    made.push(batchOf(ports(4, 100)))
    await made.close()
    expect(await rowsIn(database.asLog)).to.have.length(12)
  })

  it('counts what the disk refuses, says so once, and goes on when it takes more', async () => {
    const database = new FaultyLevel()
    const { made, reports } = recorder(database.asLog)
    await made.start()
    let opened = 0
    database.on('open', () => opened++)
    database.fault = () => {
      throw new Error('no space left on device')
    }
    for (let window = 0; window < 2; window++) {
      made.push(batchOf([...ports(3), ...ports(2)]))
      await made.flush()
    }
    expect(made.figures).to.include({ lostPackets: 10, rows: 0 })
    expect(made.figures.failing).to.include('no space left on device')
    expect(reports).to.have.length(1)
    database.fault = () => undefined
    const before = opened
    made.push(batchOf(ports(3)))
    await made.flush()
    expect(made.figures).to.include({ lostPackets: 10, rows: 3 })
    expect(made.figures.failing).to.equal(undefined)
    expect(opened - before, 'nothing is written behind a write that failed').to.equal(1)
    await made.close()
  })

  it('goes without where the folder has something else', async () => {
    const database = newDatabase()
    await database.open()
    await database.put('k', 'v')
    const { made, reports } = recorder(database)
    await made.start()
    made.push(batchOf(ports(3)))
    await made.flush()
    expect(made.figures).to.include({ packets: 3, lostPackets: 3 })
    expect(reports[0]).to.include('lacks the mark of flows')
    await made.close()
    await database.open()
    expect(await database.get('k')).to.equal('v')
  })

  it('lets go of what is older than it is told to keep', async () => {
    const { made, time } = recorder(newDatabase())
    await made.start()
    made.push(batchOf(ports(3)))
    await made.flush()
    time.nowMs += 61_000
    made.push(batchOf(ports(1)))
    await made.flush()
    expect(made.figures).to.include({ rows: 1, windows: 1, lostPackets: 0 })
    await made.close()
  })
})
