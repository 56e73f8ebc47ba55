import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, rmdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cgroupRoot } from '@weir/adapters/agent/cgroup-root.js'

export type Question = { readonly host: string; readonly port: number } & (
  | { readonly call: 'tcp' }
  | { readonly call: 'bind' }
  | { readonly call: 'load'; readonly durationMs: number }
  | { readonly call: 'udp'; readonly socket: string }
  | { readonly call: 'connected-udp'; readonly socket: string }
  /** Connects, TCP or UDP, and waits at the sockets in silence; `outcomes` says what became of each. */
  | { readonly call: 'hold'; readonly protocol: 'tcp' | 'udp'; readonly count: number }
  | { readonly call: 'outcomes' }
)
/** What the other side said, and who it is for the process; or why not. */
export type Answer = { readonly said: string; readonly peer: string } | { readonly error: string }

/** A cgroup for a test; undefined where there is no hierarchy. Never the root: all processes would be concerned. */
export function makeCgroup(name: string): string | undefined {
  const root = cgroupRoot()
  if (root === undefined) return undefined
  mkdirSync(`${root}/${name}`)
  return `${root}/${name}`
}

export async function removeCgroup(path: string): Promise<void> {
  for (let left = 50; ; left -= 1) {
    try {
      return rmdirSync(path)
    } catch (error) {
      if (left === 0) throw error
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}

/** A process of its own within a cgroup, and a network namespace if one is given. */
export class SocketProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #asked = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', ({ id, ...answer }: { id: number } & Answer) => this.#waiting.get(id)?.(answer))
  }

  static async start(cgroup: string, netns?: string): Promise<SocketProcess> {
    const script = [fileURLToPath(new URL('./socket-child.js', import.meta.url)), cgroup]
    const command = netns === undefined ? [process.execPath] : ['nsenter', `--net=${netns}`, process.execPath]
    const child = spawn(command[0]!, [...command.slice(1), ...script], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const started = new SocketProcess(child)
    await new Promise<void>((resolve, reject) => {
      started.#waiting.set(0, () => resolve())
      child.once('exit', code => reject(new Error(`the process in the cgroup exited with ${code}`)))
    })
    return started
  }

  ask(question: Question): Promise<Answer> {
    this.#asked += 1
    const id = this.#asked
    return new Promise(resolve => {
      this.#waiting.set(id, answer => {
        this.#waiting.delete(id)
        resolve(answer)
      })
      this.#child.send({ ...question, id })
    })
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await gone
  }
}
