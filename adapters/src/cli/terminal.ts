import type { Writable } from 'node:stream'
import { printableLines } from './printable.js'

/** Where a command writes. Handed in, so that tests read what a user would see. */
export interface Terminal {
  /** Writes a line to standard output; waits while the reader is slow. Rejects with EPIPE when it has gone. */
  line(text: string): Promise<void>
  /** Writes a line to standard error. */
  note(text: string): void
  /** Shows how far long work is, in place of what it showed before; '' takes it away. Absent where nobody looks. */
  readonly progress?: (text: string) => void
  readonly colour: Colour
  readonly widthColumns: number
}

export interface Colour {
  good(text: string): string
  bad(text: string): string
  dim(text: string): string
  strong(text: string): string
}

export const plain: Colour = { good: same, bad: same, dim: same, strong: same }
const ansi: Colour = {
  good: text => `\u001b[32m${text}\u001b[39m`,
  bad: text => `\u001b[31m${text}\u001b[39m`,
  dim: text => `\u001b[2m${text}\u001b[22m`,
  strong: text => `\u001b[1m${text}\u001b[22m`,
}

/** The reader of standard output has gone (`weir observe | head`): the work is done, not failed. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone'
}

/**
 * A terminal over two streams: what is written through it is shown, never acted on. Colours only for a tty, and not with
 * NO_COLOR (no-color.org).
 */
export function streamTerminal(
  out: Writable & { isTTY?: boolean; columns?: number },
  err: Writable & { isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): Terminal {
  let gone = false
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') throw error
    gone = true
  }
  out.on('error', onError)
  err.on('error', onError)
  const coloured = out.isTTY === true && (environment.NO_COLOR ?? '') === '' && environment.TERM !== 'dumb'
  // What is written to a terminal while a line of progress stands there goes in its place.
  let standing = false
  const clear = (): void => {
    if (standing) err.write('\r\u001b[K')
    standing = false
  }
  return {
    ...(err.isTTY === true && {
      progress: text => {
        clear()
        if (text === '' || gone) return
        err.write(printableLines(text))
        standing = true
      },
    }),
    colour: coloured ? ansi : plain,
    widthColumns: out.columns ?? 120,
    line: text =>
      new Promise((resolve, reject) => {
        if (gone) return reject(new ReaderGone())
        clear()
        out.write(`${printableLines(text)}\n`, error =>
          error && (error as NodeJS.ErrnoException).code === 'EPIPE' ? reject(new ReaderGone()) : resolve(),
        )
      }),
    note: text => {
      if (gone) return
      clear()
      err.write(`${printableLines(text)}\n`)
    },
  }
}

function same(text: string): string {
  return text
}
