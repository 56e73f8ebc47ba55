import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { AgentOptions } from '@weir/adapters/agent/agent-options.js'
import type { EventBody } from '@weir/core'

/** An agent that can be killed, and started again where it was. */
export class NorthProcess {
  readonly #options: Omit<AgentOptions, 'clock'>
  #child: ChildProcess | undefined

  constructor(options: Omit<AgentOptions, 'clock'>) {
    this.#options = options
  }

  /** Resolves when it enforces what its log says. */
  async start(): Promise<void> {
    const script = fileURLToPath(new URL('./north-child.js', import.meta.url))
    const child = spawn(process.execPath, [script, JSON.stringify(this.#options)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child = child
    await this.#answer('ready', child)
  }

  /** Resolves when the facts are enforced. */
  async submit(facts: readonly EventBody[]): Promise<void> {
    const child = this.#child!
    const done = this.#answer('done', child)
    child.send([...facts])
    await done
  }

  /** kill -9; at once when it doesn't run. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async #answer(word: string, child: ChildProcess): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      child.once('exit', code => reject(new Error(`the agent's process exited with ${code}`)))
      child.once('message', said => (said === word ? resolve() : reject(new Error(`it said ${String(said)}`))))
    })
  }
}
