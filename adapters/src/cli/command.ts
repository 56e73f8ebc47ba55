import { Command, InvalidArgumentError, Option } from 'commander'
import type { ExitCode } from './exit.js'
import type { Terminal } from './terminal.js'

/** What a command may use of the outside. */
export interface CommandContext {
  readonly terminal: Terminal
  readonly workingFolder: string
  /** Standard input. */
  readonly stdin: AsyncIterable<Uint8Array | string>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Aborts at the first Ctrl-C or SIGTERM. */
  readonly interrupted: AbortSignal
  /**
   * Does what keeps the event loop for long. Nothing hears signals meanwhile: they end the process, as if nobody waited for
   * them. Absent where the outside is no process of its own.
   */
  readonly compute?: <Result>(work: () => Result) => Result
  /** Called once by the command that ran. */
  end(code: ExitCode): void
}

/** Does what keeps the event loop for long, so that a signal can end it. Nothing is done once somebody has asked to stop. */
export function computed<Result>({ interrupted, compute }: CommandContext, work: () => Result): Result {
  interrupted.throwIfAborted()
  return compute === undefined ? work() : compute(work)
}

export type Output = 'text' | 'json'

/** `--output json|text`, which every command has. */
export function outputOption(): Option {
  return new Option('-o, --output <form>', 'json: one object (or one a line) for scripts')
    .choices(['text', 'json'])
    .default('text')
}

export function socketOption(defaultPath: string, environment: CommandContext['environment']): Option {
  return new Option('--socket <path>', "the agent's unix socket (or WEIR_SOCKET)").default(
    environment.WEIR_SOCKET ?? defaultPath,
  )
}

/** A command whose action's result is the exit status. */
export function command<Args extends readonly unknown[]>(
  context: CommandContext,
  name: string,
  description: string,
  run: (...args: Args) => Promise<ExitCode>,
): Command {
  return new Command(name)
    .description(description)
    .allowExcessArguments(false)
    .action(async (...args: unknown[]) => context.end(await run(...(args as unknown as Args))))
}

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`A whole number of at least ${least}.`)
    return value
  }
}
