import { selectorText } from './match.js'
import type { LabelSelector } from './selector.js'

/** Where the addresses of a set come from. */
export type AddressSource =
  /** DNS answers for one name. */
  | { readonly kind: 'name'; readonly name: string }
  /** DNS answers for the names that a pattern matches: see `nameMatcher`. */
  | { readonly kind: 'pattern'; readonly pattern: string }
  /** A CiliumCIDRGroup. */
  | { readonly kind: 'group'; readonly name: string }
  /** The CiliumCIDRGroups whose labels match. */
  | { readonly kind: 'groups'; readonly selector: LabelSelector }
  /** The endpoint slices of a service. */
  | { readonly kind: 'endpoints'; readonly namespace: string; readonly service: string }

/** The service whose endpoints are the API server, whatever selects it. */
export const apiServerEndpoints = { kind: 'endpoints', namespace: 'default', service: 'kubernetes' } as const

/** A source as a few words; equal sources have equal texts. */
export function sourceText(source: AddressSource): string {
  switch (source.kind) {
    case 'name':
      return `name ${source.name}`
    case 'pattern':
      return `names ${source.pattern}`
    case 'group':
      return `CIDR group ${source.name}`
    case 'groups':
      return `CIDR groups with ${selectorText(source.selector)}`
    case 'endpoints':
      return `endpoints of ${source.namespace}/${source.service}`
  }
}
