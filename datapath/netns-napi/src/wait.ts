import { native, type WaitTicket } from './native.js'

/** Resolves true when the descriptor is ready, false at the end of time or when cancelled. 0 ms: no end. */
export function ready(
  fd: number,
  until: 'readable' | 'writable',
  timeoutMs: number,
  onTicket?: (ticket: WaitTicket) => void,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const ticket = native.wait(fd, until === 'writable', timeoutMs, (error, isReady) => {
      if (error === undefined) {
        resolve(isReady)
      } else {
        reject(error)
      }
    })
    onTicket?.(ticket)
  })
}
