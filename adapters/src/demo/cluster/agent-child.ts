import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StatusReport } from '../../agent/protocol.js'
import { type AgentClient, agentClient } from '../../cli/client.js'
import { commandScript } from '../../files.js'

/** How long an agent may take to answer. */
const patienceMs = 300_000

/** `weir agent` as a process of its own, to be killed and started again. */
export class AgentChild {
  readonly client: AgentClient
  readonly #socket: string
  #child: ChildProcess | undefined
  #said = ''

  constructor(socket: string) {
    this.#socket = socket
    this.client = agentClient(socket)
  }

  status(): Promise<StatusReport> {
    return this.client.get<StatusReport>('/v1/status')
  }

  /**
   * Resolves when it follows its manifests.
   * @param words Options of the command, the socket's apart.
   */
  async start(words: readonly string[]): Promise<void> {
    const script = fileURLToPath(commandScript)
    const child = spawn(process.execPath, [script, 'agent', ...words, '--socket', this.#socket], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    this.#said = ''
    child.stderr.on('data', chunk => {
      this.#said = `${this.#said}${String(chunk)}`.slice(-10_000)
    })
    const deadline = Date.now() + patienceMs
    while (Date.now() < deadline && child.exitCode === null) {
      const report = await this.status().catch(() => undefined)
      if (report?.pid === child.pid && report?.sources[0]?.state === 'watching') return
      await pause(50)
    }
    throw new Error(`an agent didn't start: ${this.#said}`)
  }

  /** Resolves when it is gone; at once when it doesn't run. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const ending = this.#child
    this.#child = undefined
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
    const gone = new Promise<void>(resolve => ending.once('exit', () => resolve()))
    ending.kill(signal)
    await gone
  }

  /** What it has said of troubles. */
  get said(): string {
    return this.#said
  }
}
