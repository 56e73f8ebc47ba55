import type { PolicyRemarks } from '../event/event.js'
import type { WrittenMetadata } from './written.js'

/** The annotations that say what remarks say. */
export function policyMetadata(
  name: string,
  namespace: string,
  { lintIgnore = [], staged }: PolicyRemarks,
): WrittenMetadata {
  const annotations = {
    ...(lintIgnore.length > 0 && { 'weir.io/lint-ignore': lintIgnore.join(',') }),
    ...(staged === true && { 'weir.io/stage': 'true' }),
  }
  return {
    name,
    ...(namespace !== '' && { namespace }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  }
}
