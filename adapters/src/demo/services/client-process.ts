import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { clientScript } from '../../files.js'
import type { Request, Tally } from './request.js'

/** What the process is asked; `load` ends when `finish` names it. */
export type ClientQuestion =
  | {
      readonly id: number
      readonly kind: 'ask'
      readonly request: Request
      readonly times: number
      readonly width: number
    }
  | { readonly id: number; readonly kind: 'load'; readonly request: Request; readonly width: number }
  | { readonly id: number; readonly kind: 'finish' }
export type ClientAnswer = { readonly id: number } & ({ readonly tally: Tally } | { readonly error: string })

/** A load under way. */
export interface Load {
  finish(): Promise<Tally>
}

/** A process in a cgroup, whose calls the node's programs see; it makes its sockets in the namespace that it is told. */
export class ClientProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: ClientAnswer) => void>()
  #asked = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (answer: ClientAnswer) => {
      this.#waiting.get(answer.id)?.(answer)
      this.#waiting.delete(answer.id)
    })
  }

  /** @param cgroup its folder */
  static async start(cgroup: string): Promise<ClientProcess> {
    const script = fileURLToPath(clientScript)
    const child = spawn(process.execPath, [script, cgroup], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const client = new ClientProcess(child)
    await new Promise<void>((resolve, reject) => {
      client.#waiting.set(0, () => resolve())
      child.once('error', reject)
      child.once('exit', code => reject(new Error(`a client ended with ${code}`)))
    })
    child.once('exit', code => {
      for (const [id, answer] of client.#waiting) answer({ id, error: `the client ended with ${code}` })
    })
    return client
  }

  ask(request: Request, times: number, width: number): Promise<Tally> {
    const id = this.#next()
    const answered = this.#answer(id)
    this.#child.send({ id, kind: 'ask', request, times, width } satisfies ClientQuestion)
    return answered
  }

  load(request: Request, width: number): Load {
    const id = this.#next()
    const answered = this.#answer(id)
    answered.catch(() => {})
    this.#child.send({ id, kind: 'load', request, width } satisfies ClientQuestion)
    return {
      finish: () => {
        this.#child.send({ id, kind: 'finish' } satisfies ClientQuestion)
        return answered
      },
    }
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await gone
  }

  #next(): number {
    this.#asked += 1
    return this.#asked
  }

  #answer(id: number): Promise<Tally> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, answer => ('error' in answer ? reject(new Error(answer.error)) : resolve(answer.tally)))
    })
  }
}
