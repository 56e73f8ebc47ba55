import type { ChangedBy } from '../event/changed-by.js'
import { isMap } from './reader.js'

/** The API server takes no longer name. */
const longestManager = 128

/** Kinds whose status decides something: who wrote it may have made the change. */
const readsStatus = new Set(['Pod', 'Node', 'Service'])

/**
 * Who wrote an object last, by `metadata.managedFields`: the newest entry, of two at one time the one that wrote the
 * object itself and not its status. Undefined where nothing is said, or nothing that can be read: who wrote an object
 * has no bearing on what it means, so nothing is refused for it.
 *
 * @param raw a whole object, as a manifest or the API server has it
 */
export function changedBy(raw: unknown): ChangedBy | undefined {
  if (!isMap(raw) || !isMap(raw.metadata) || !Array.isArray(raw.metadata.managedFields)) return undefined
  const takesStatus = readsStatus.has(String(raw.kind))
  let last: Written | undefined
  for (const entry of raw.metadata.managedFields as readonly unknown[]) {
    const written = writtenBy(entry)
    if (written === undefined || (written.isStatus && !takesStatus)) continue
    if (last === undefined || isLater(written, last)) last = written
  }
  return last?.by
}

interface Written {
  readonly by: ChangedBy
  readonly isStatus: boolean
}

function writtenBy(entry: unknown): Written | undefined {
  if (!isMap(entry)) return undefined
  const { manager, operation, time, subresource } = entry
  if (typeof manager !== 'string' || manager === '' || manager.length > longestManager) return undefined
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN
  const isOperation = operation === 'Apply' || operation === 'Update'
  return {
    by: { manager, ...(isOperation && { operation }), ...(Number.isFinite(at) && { time: at }) },
    isStatus: subresource === 'status',
  }
}

/** One without a time is older than any that has one. */
function isLater(a: Written, b: Written): boolean {
  const [left, right] = [a.by.time ?? Number.NEGATIVE_INFINITY, b.by.time ?? Number.NEGATIVE_INFINITY]
  return left === right ? !a.isStatus || b.isStatus : left > right
}
