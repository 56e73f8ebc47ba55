import { keyText } from '../manifests/set.js'
import type { Kind, SourceStatus } from './protocol.js'

/** What the rows of a kind are called where they come from. */
const kinds: Readonly<Partial<Record<Kind, string>>> = {
  pods: 'Pod',
  services: 'Service',
  namespaces: 'Namespace',
  nodes: 'Node',
}

/** A version of an object that is in force when the one that counts goes: `waiting` of rows of GET /v1/get/KIND. */
export interface WaitingVersion {
  /** Where it comes from. */
  readonly source: string
  /** Whose version counts: `manifests:/path/web.yaml:3`. */
  readonly by: string
}

interface NamedRow {
  readonly kind?: string
  readonly namespace?: string
  readonly name?: string
}

/** The rows, each with the version of it that waits in a source while another's counts. */
export function withWaiting(
  kind: Kind,
  rows: readonly object[],
  sources: readonly Pick<SourceStatus, 'name' | 'waiting'>[],
): readonly object[] {
  const versions = new Map<string, WaitingVersion>()
  for (const { name: source, waiting = [] } of sources)
    for (const { object, by } of waiting) versions.set(keyText(object), { source, by })
  if (versions.size === 0) return rows
  return rows.map((row: NamedRow) => {
    const { kind: own = kinds[kind], namespace = '', name = '' } = row
    const waiting = own === undefined ? undefined : versions.get(keyText({ kind: own, namespace, name }))
    return waiting === undefined ? row : { ...row, waiting }
  })
}
