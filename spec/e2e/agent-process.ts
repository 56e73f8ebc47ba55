import { type ChildProcess, spawn } from 'node:child_process'
import type { StatusReport } from '@weir/adapters/agent/protocol.js'
import { type AgentClient, agentClient } from '@weir/adapters/cli/client.js'
import { weirCommand } from './stage.js'

/** `weir agent` as a process of its own, to be killed and started again. */
export class AgentProcess {
  readonly client: AgentClient
  readonly #words: readonly string[]
  #child: ChildProcess | undefined

  /** @param words Options of the command, the socket's apart. */
  constructor(socketPath: string, words: readonly string[]) {
    this.client = agentClient(socketPath)
    // Tests take no process of the machine along.
    this.#words = ['agent', '--cgroup', 'none', ...words, '--socket', socketPath]
  }

  status(): Promise<StatusReport> {
    return this.client.get<StatusReport>('/v1/status')
  }

  /**
   * Resolves when it follows its manifests.
   *
   * @param more Options of this start alone.
   */
  async start(more: readonly string[] = []): Promise<void> {
    const child = spawn(process.execPath, [weirCommand, ...this.#words, ...more], {
      stdio: ['ignore', 'inherit', 'pipe'],
    })
    this.#child = child
    let said = ''
    child.stderr.on('data', chunk => {
      said += String(chunk)
    })
    for (let waited = 0; waited < 600; waited++) {
      const report = await this.status().catch(() => undefined)
      if (report?.sources[0]?.state === 'watching') return
      if (child.exitCode !== null) break
      await pause(50)
    }
    throw new Error(`the agent didn't start: ${said}`)
  }

  /** Resolves to the exit code; at once when it doesn't run. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const ending = this.#child
    this.#child = undefined
    if (ending === undefined || ending.exitCode !== null) return ending?.exitCode ?? null
    const code = new Promise<number | null>(resolve => ending.once('exit', resolve))
    ending.kill(signal)
    return await code
  }
}

/** Looks until there is something to see. */
/** How many times longer than usual things may take: machines that are emulated are slow. */
export const patience = Number(process.env.WEIR_PATIENCE ?? 1)

export async function eventually<Value>(look: () => Promise<Value | undefined>): Promise<Value> {
  for (let waited = 0; waited < 100 * patience; waited++) {
    const found = await look()
    if (found !== undefined) return found
    await pause(50)
  }
  throw new Error('it never came to that')
}

export function pause(delayMs: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, delayMs))
}
