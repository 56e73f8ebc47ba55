import type { OpenHandle } from './api.js'
import { native } from './native.js'

/** What this package holds open now, in all threads of the process; for leak tests. */
export function openHandles(): readonly OpenHandle[] {
  return native.openHandles()
}
