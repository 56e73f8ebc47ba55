import { EventLog } from '@weir/store'
import { draftsOf } from './drafts.js'
import { storageAt } from './places.js'

/**
 * A process that appends until it is killed. For each append that resolves it writes a line `LAST`; an error ends it
 * with a line `CODE DURABLE`. Arguments: folder, events per append, appends under way, bytes of padding per event.
 */
const [path = '', size = '1', underWay = '1', padding = '0'] = process.argv.slice(2)

const log = await EventLog.open({ storage: storageAt(path) })
let number = log.head.seq
process.stdout.write(`open ${number}\n`)

async function appendForever(): Promise<void> {
  for (;;) {
    const drafts = draftsOf(Number(size), number + 1).map(draft => ({ ...draft, source: 'x'.repeat(Number(padding)) }))
    number += drafts.length
    const { last } = await log.append(drafts)
    process.stdout.write(`${last}\n`)
    if (last % 500 < drafts.length) await log.snapshots.write('count', last, { last, filler: 'y'.repeat(10_000) })
  }
}

try {
  await Promise.all(Array.from({ length: Number(underWay) }, appendForever))
} catch (error) {
  const { code, payload } = error as { code: string; payload: { durable: number } }
  process.stdout.write(`${code} ${payload.durable}\n`)
  await log.close().catch(() => undefined)
}
