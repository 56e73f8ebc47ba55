import { counted } from '@weir/core/counted.js'
import { keyTitle } from '../../manifests/set.js'
import type { WaitingObject } from '../../agent/claims.js'
import type { ResourceStatus, SourceStatus } from '../../agent/protocol.js'
import { tableLines } from '../table.js'
import { durationText } from './duration.js'

/** Each source in a line, and below it what it follows one by one. */
export function sourceLines(sources: readonly SourceStatus[], nowMs: number): readonly string[] {
  return sources.flatMap(({ name, state, drafts, error, resources = [], waiting = [] }) => [
    `Source     ${name}: ${state}, ${counted(drafts, 'fact')}${error === undefined ? '' : `, ${error}`}`,
    ...resourceLines(resources, nowMs).map(line => `           ${line}`),
    ...waitingLines(waiting).map(line => `           ${line}`),
  ])
}

/** Most objects that are named in a text; JSON has all. */
const namedMost = 10

function waitingLines(waiting: readonly WaitingObject[]): readonly string[] {
  const named = waiting.slice(0, namedMost)
  const lines = named.map(({ object, by }) => `its ${keyTitle(object)} waits: ${by} counts`)
  return waiting.length > namedMost ? [...lines, `and ${waiting.length - namedMost} more wait`] : lines
}

function resourceLines(resources: readonly ResourceStatus[], nowMs: number): readonly string[] {
  if (resources.length === 0) return []
  return tableLines(resources, [
    { heading: 'kind', cell: ({ kind }) => kind },
    { heading: 'of', cell: ({ apiVersion }) => apiVersion },
    { heading: 'state', cell: ({ state }) => state },
    { heading: 'for', cell: ({ since }) => durationText(Math.max(0, nowMs - since)) },
    { heading: 'objects', cell: ({ objects }) => String(objects) },
    { heading: 'version', cell: ({ resourceVersion }) => resourceVersion ?? '' },
    { heading: 'relists', cell: ({ relists }) => String(relists) },
    { heading: '', cell: ({ error }) => error ?? '' },
  ])
}
