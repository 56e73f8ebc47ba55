import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const appender = fileURLToPath(new URL('./appender.js', import.meta.url))

/** The appending process and the lines that it has written. */
export interface Appender {
  readonly process: ChildProcess
  /** Complete lines so far. */
  lines(): string[]
  /** Resolves when it has ended and its output is read. */
  readonly ended: Promise<void>
  /** Resolves with the lines once there are so many, or when it ended. */
  reached(count: number): Promise<string[]>
}

export function startAppender(path: string, ...args: readonly number[]): Appender {
  const child = spawn(process.execPath, [appender, path, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  let over = false
  child.stdout.setEncoding('utf8').on('data', part => {
    text += part
  })
  const ended = new Promise<void>(resolve => child.on('close', () => resolve())).then(() => {
    over = true
  })
  const lines = (): string[] => text.split('\n').slice(0, -1)
  return {
    process: child,
    lines,
    ended,
    async reached(count) {
      while (lines().length < count && !over) await new Promise(resolve => setTimeout(resolve, 5))
      return lines()
    },
  }
}
