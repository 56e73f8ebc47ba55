import { createRequire } from 'node:module'
import { InotifyError } from './error.js'

declare const ticket: unique symbol
export interface InotifyTicket {
  readonly [ticket]: true
}

interface Native {
  setErrorClass(errorClass: typeof InotifyError): void
  open(onReadable: () => void): InotifyTicket
  add(ticket: InotifyTicket, path: string, mask: number): number
  remove(ticket: InotifyTicket, watch: number): void
  read(ticket: InotifyTicket, bytes: Uint8Array): number
  close(ticket: InotifyTicket): void
}

function load(): Native {
  const path = new URL('../build/Release/inotify_napi.node', import.meta.url)
  try {
    const native = createRequire(import.meta.url)(path.pathname) as Native
    native.setErrorClass(InotifyError)
    return native
  } catch (cause) {
    throw new InotifyError(
      'ERR_INOTIFY_NOT_BUILT',
      'require',
      `${path.pathname} can't be loaded (${(cause as Error).message}); build it with ` +
        '`npm run build:native` in the package, which needs a C++17 compiler, make and Python 3',
      { cause },
    )
  }
}

export const native = load()
