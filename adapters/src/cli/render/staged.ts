import type { WouldBe } from '../../staged/would-be.js'
import type { Colour } from '../terminal.js'

/** `staged policies would deny it: default deny (ingress) by NetworkPolicy shop/cart` */
export function stagedText({ change, causes }: WouldBe, colour: Colour): string {
  const verb = change === 'newly-denied' ? colour.bad('deny') : colour.good('allow')
  return `staged policies would ${verb} it: ${causes.join(', ')}`
}
