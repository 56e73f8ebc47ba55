import { join } from 'node:path'
import { Engine } from '@weir/core/engine.js'
import { EventLog, folderStorage } from '@weir/store'
import { decodeGroup } from '@weir/store/log/group.js'
import { storedGroups } from '@weir/store/log/reader.js'
import { openLevel } from '@weir/store/storage/folder.js'
import { timed } from './bench.js'

/** Walks a log once and prints what that took as JSON. Arguments: the log's folder, the kind of walk. */
const [path = '', phase = ''] = process.argv.slice(2)

async function scan(): Promise<number> {
  const database = await openLevel(path, join(path, 'db'))
  let events = 0
  for await (const groups of storedGroups(database, 1)) {
    for (const { value } of groups) {
      const group = decodeGroup(value)
      events += group === undefined ? 0 : group.last - group.first + 1
    }
  }
  await database.close()
  return events
}

async function read(engine?: Engine): Promise<number> {
  const log = await EventLog.open({
    storage: folderStorage({ path, holder: { pid: process.pid, command: 'bench', since: 0 } }),
  })
  let events = 0
  for await (const batch of log.read()) {
    events += batch.length
    engine?.fold(batch)
  }
  await log.close()
  return events
}

let events = 0
const engine = phase === 'fold' ? new Engine() : undefined
const before = process.cpuUsage()
const seconds = await timed(async () => {
  events = phase === 'scan' ? await scan() : await read(engine)
})
const { user, system } = process.cpuUsage(before)
const settleSeconds = engine === undefined ? 0 : await timed(() => engine.digest())
const peakMiB = process.resourceUsage().maxRSS / 1024
process.stdout.write(
  `${JSON.stringify({ events, seconds, cpuSeconds: (user + system) / 1e6, settleSeconds, peakMiB })}\n`,
)
