import type { NamedAddress } from './protocol.js'

/** Most members that a line names; JSON has them all. */
const namedMax = 5

/** `shop/web`, `shop/web (3)`, `shop/web-1, shop/web-2 (of shop/web)` where a word means many. */
export function whoText({ name, members, of }: NamedAddress): string {
  if (members === undefined) return name
  if (name === of) return members.length === 1 && members[0] === of ? name : `${name} (${members.length})`
  const shown = members.slice(0, namedMax).join(', ')
  const more = members.length > namedMax ? ` and ${members.length - namedMax} more` : ''
  return `${shown}${more} (of ${of})`
}
