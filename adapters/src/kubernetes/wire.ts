import { isMap } from '@weir/core/input/reader.js'
import { refusedAnswer } from './api.js'

/** One page of a list. */
export interface Page {
  readonly items: readonly unknown[]
  /** The token of the next page; '' after the last. */
  readonly next: string
  /** Of the whole list. */
  readonly version: string
}

/** What one line of a watch says. */
export interface Notice {
  /** Absent of a bookmark. */
  readonly object?: unknown
  readonly isGone: boolean
  /** The object's, or the bookmark's; '' where it says none. */
  readonly version: string
}

const textAt = (map: unknown, field: string): string => {
  const value = isMap(map) ? map[field] : undefined
  return typeof value === 'string' ? value : ''
}

/** @throws WeirError WEIR_KUBERNETES_ANSWER when it is no list */
export function readList(raw: unknown, path: string): Page {
  const items = isMap(raw) ? (raw.items ?? []) : undefined
  const version = isMap(raw) ? textAt(raw.metadata, 'resourceVersion') : ''
  if (!isMap(raw) || !Array.isArray(items) || version === '')
    throw refusedAnswer(path, 502, 'what it answers is not a list')
  return { items, next: textAt(raw.metadata, 'continue'), version }
}

/** @throws WeirError WEIR_KUBERNETES_ANSWER when it is no line of a watch, or says that the watch has failed */
export function readNotice(line: string, path: string): Notice {
  let raw: unknown
  try {
    raw = JSON.parse(line)
  } catch {
    throw refusedAnswer(path, 502, 'a line of the watch is not JSON')
  }
  const type = textAt(raw, 'type')
  const object = isMap(raw) ? raw.object : undefined
  const version = isMap(object) ? textAt(object.metadata, 'resourceVersion') : ''
  if (type === 'ERROR') {
    const code = isMap(object) && typeof object.code === 'number' ? object.code : 500
    throw refusedAnswer(path, code, textAt(object, 'message') || 'the watch has failed')
  }
  if (type === 'BOOKMARK' && version !== '') return { isGone: false, version }
  if ((type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') && isMap(object))
    return { object, isGone: type === 'DELETED', version }
  throw refusedAnswer(path, 502, 'a line of the watch says nothing that can be understood')
}

const number = /^(?:0|[1-9]\d*)$/

/** Whether what has this version was said before. Versions that are no numbers say nothing of their order. */
export function isSeen(version: string, last: string): boolean {
  if (version === last) return true
  if (!number.test(version) || !number.test(last)) return false
  return version.length === last.length ? version < last : version.length < last.length
}
