import { type Device, type Netns, native, type WaitTicket } from './native.js'
import { ready } from './wait.js'

/** The devices of a namespace with their addresses and whether a default route leads by them, by name. */
export function devicesIn(netns: Netns): readonly Device[] {
  return native.network(netns)
}

/** Ends a watch. May be called twice. */
export interface NetworkWatch {
  close(): void
}

/**
 * Calls back after links, addresses or routes of the namespace have changed: once for changes that come together, and for
 * some that leave everything as it was. Keeps the process alive until closed.
 */
export function watchDevicesIn(netns: Netns, onChange: () => void): NetworkWatch {
  const fd = native.changes(netns)
  let isOpen = true
  let ticket: WaitTicket | undefined
  const watch = async (): Promise<void> => {
    while (isOpen) {
      const isReady = await ready(fd, 'readable', 0, given => {
        ticket = given
      })
      if (!isReady || !isOpen) break
      native.drain(fd)
      onChange()
    }
    native.closeSocket(fd)
  }
  void watch()
  return {
    close() {
      if (!isOpen) return
      isOpen = false
      if (ticket !== undefined) native.cancel(ticket)
    },
  }
}
