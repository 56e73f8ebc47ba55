import { stringify } from 'yaml'

/**
 * An object as a manifest: what Kubernetes reads, YAML 1.1, would take for a boolean or a number stands in quotes where
 * it is text.
 */
export const manifestText = (object: unknown): string =>
  stringify(object, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })
