import { Command, CommanderError } from 'commander'
import { WeirError } from '@weir/core'
import { agentCommand } from './commands/agent.js'
import { backendCommand } from './commands/backend.js'
import { bisectCommand } from './commands/bisect.js'
import { cniCommand } from './commands/cni.js'
import { compareCommand } from './commands/compare.js'
import { demoCommand } from './commands/demo.js'
import { digestCommand } from './commands/digest.js'
import { flowsCommand } from './commands/flows.js'
import { getCommand, servicesCommand } from './commands/get.js'
import { historyCommand } from './commands/history.js'
import { lintCommand } from './commands/lint.js'
import { logCommand } from './commands/log.js'
import { matrixCommand } from './commands/matrix.js'
import { nodeCommand } from './commands/node.js'
import { observeCommand } from './commands/observe.js'
import { replayCommand } from './commands/replay.js'
import { statusCommand } from './commands/status.js'
import { suggestCommand } from './commands/suggest.js'
import { whatIfCommand } from './commands/what-if.js'
import { whyCommand } from './commands/why.js'
import type { CommandContext } from './command.js'
import { type ExitCode, exitCodeOf, exitCodes, isSystemError } from './exit.js'
import { errorLines } from './render/error.js'
import { ReaderGone, streamTerminal, type Terminal } from './terminal.js'
import { buildVersion } from '../version.js'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs one command line.
 *
 * @param args Without the interpreter and the script.
 * @returns the exit status; see `exitCodes`.
 */
export async function main(args: readonly string[]): Promise<number> {
  const interruption = new AbortController()
  const onSignal = (): void => {
    // The first asks the command to finish and clean up; whoever asks again doesn't want to wait.
    if (interruption.signal.aborted) process.exit(exitCodes.interrupted)
    interruption.abort()
  }
  const listen = (): void => {
    for (const signal of signals) process.on(signal, onSignal)
  }
  const ignore = (): void => {
    for (const signal of signals) process.off(signal, onSignal)
  }
  listen()
  try {
    return await runCommand(args, {
      terminal: streamTerminal(process.stdout, process.stderr, process.env),
      workingFolder: process.cwd(),
      stdin: process.stdin,
      environment: process.env,
      interrupted: interruption.signal,
      compute: work => {
        ignore()
        try {
          return work()
        } finally {
          listen()
        }
      },
    })
  } finally {
    ignore()
  }
}

/** As `main`, with the outside handed in. */
export async function runCommand(args: readonly string[], outside: Omit<CommandContext, 'end'>): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok
  const asksJson = wantsJson(args)
  const complaints: string[] = []
  const complain = (text: string): void => void (asksJson ? complaints.push(text) : outside.terminal.note(text))
  const program = createProgram(
    {
      ...outside,
      end: given => {
        code = given
      },
    },
    complain,
  )
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (outside.interrupted.aborted && error === outside.interrupted.reason) return exitCodes.interrupted
    if (!asksJson) return report(error, outside.terminal, outside.environment)
    return reportAsJson(error, complaints, outside.terminal)
  }
}

/** Whether the command line asks for JSON, as far as it can be read. */
const wantsJson = (args: readonly string[]): boolean =>
  args.some(
    (word, at) =>
      /^(?:--output=|-o=?)json$/.test(word) || (word === 'json' && /^(?:-o|--output)$/.test(args[at - 1] ?? '')),
  )

function createProgram(context: CommandContext, complain: (text: string) => void): Command {
  const program = new Command('weir')
    .enablePositionalOptions()
    .description('A network agent for Linux whose memory is an event log.')
    .version(buildVersion)
    .addHelpText('after', exitHelp)
  const commands = [
    agentCommand,
    nodeCommand,
    cniCommand,
    demoCommand,
    statusCommand,
    observeCommand,
    flowsCommand,
    getCommand,
    servicesCommand,
    backendCommand,
    whyCommand,
    historyCommand,
    bisectCommand,
    compareCommand,
    whatIfCommand,
    suggestCommand,
    matrixCommand,
    digestCommand,
    lintCommand,
    logCommand,
    replayCommand,
  ]
  for (const make of commands) program.addCommand(make(context))
  for (const each of withSubcommands(program)) {
    each.exitOverride().showHelpAfterError('(--help shows what there is)')
    each.configureOutput({
      // It rejects when the reader of a help text has had enough.
      writeOut: text => void context.terminal.line(text.trimEnd()).catch(() => {}),
      writeErr: text => complain(text.trimEnd()),
    })
  }
  return program
}

const exitHelp = `
Exit status: 0 done · 1 the answer is no (disagreement, other digest, --fail-on, --fail-on-deny) · 2 usage · 3 no agent ·
4 log damaged or in use · 5 no such object · 6 the machine lacks or refuses something · 70 a defect of Weir`

function withSubcommands(parent: Command): Command[] {
  return [parent, ...parent.commands.flatMap(withSubcommands)]
}

/** An error as one object on standard error: what scripts that asked for JSON can read. */
function reportAsJson(error: unknown, complaints: readonly string[], terminal: Terminal): ExitCode {
  if (error instanceof ReaderGone) return exitCodes.ok
  const isUsage = error instanceof CommanderError
  if (isUsage && error.exitCode === 0) return exitCodes.ok
  const exit = isUsage ? exitCodes.usage : exitCodeOf(error)
  const code = error instanceof WeirError ? error.code : isUsage ? 'WEIR_REQUEST_INVALID' : codeOf(error)
  const message = isUsage ? complaints.join('\n').replace(/^error: /, '') : messageOf(error)
  const payload = error instanceof WeirError ? error.payload : {}
  terminal.note(JSON.stringify({ error: { code, message, payload, exit } }))
  return exit
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const codeOf = (error: unknown): string => (isSystemError(error) ? (error.code ?? '') : '')

function report(error: unknown, terminal: Terminal, environment: CommandContext['environment']): ExitCode {
  if (error instanceof ReaderGone) return exitCodes.ok
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  const code = exitCodeOf(error)
  for (const line of errorLines(error, terminal.colour)) terminal.note(line)
  const isOurs = error instanceof WeirError && environment.WEIR_DEBUG === undefined
  if (!isOurs && (code === exitCodes.defect || environment.WEIR_DEBUG !== undefined))
    terminal.note(error instanceof Error ? (error.stack ?? '') : String(error))
  return code
}
