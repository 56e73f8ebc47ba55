import type { EventLog } from '@weir/store'
import { buildVersion } from '../version.js'
import { entriesOf } from './event-source.js'
import type { BaseRecord } from './log-base.js'
import { sourceAt } from './log-events.js'
import { restoreEngine } from './restore.js'

/**
 * The state after event `to`, as a log can begin with it.
 *
 * @throws WeirError WEIR_LOG_COMPACTED, WEIR_LOG_DAMAGED
 */
export async function baseRecord(log: EventLog, to: number): Promise<BaseRecord> {
  const { engine } = await restoreEngine(log, () => {}, to)
  const seqs = [...engine.rules()].map(({ origin }) => origin.seq)
  const sources = await entriesOf(seqs, seq => sourceAt(log, seq))
  return { digest: engine.digest(), build: buildVersion, engine: engine.snapshot(), sources }
}
