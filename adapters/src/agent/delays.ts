import type { Timer as Delays } from '@weir/datapath/reconcile/timer.js'
import type { Clock } from './clock.js'

/** What is tried again is tried by the agent's clock. */
export const delaysBy = (clock: Clock): Delays => ({
  after(delayMs, callback) {
    const timer = clock.every(delayMs, () => {
      timer.stop()
      callback()
    })
    return () => timer.stop()
  },
})
