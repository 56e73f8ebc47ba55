import type { ObjectLayout } from './api.js'
import { native } from './native.js'

/** Map layouts, programs and named types of an object file, without loading it: needs no privilege. */
export function readLayout(source: string | Uint8Array): ObjectLayout {
  return native.readLayout(source)
}
