import { type Command, Option } from 'commander'
import type { Finding, Severity } from '@weir/core/lint/finding.js'
import { lint } from '@weir/core/lint/lint.js'
import { defaultSocketPath } from '../../agent/protocol.js'
import { command, type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { placesOf } from '../origins.js'
import { findingLines, lintSummary, type Placed } from '../render/finding.js'
import { openState, stateHelp, withStates } from '../states.js'

interface LintOptions {
  readonly log?: string
  readonly socket: string
  readonly output: Output
  readonly failOn?: Severity
}

const severities: readonly Severity[] = ['error', 'warning', 'info']

/** `weir lint [STATE]` */
export function lintCommand(context: CommandContext): Command {
  return command(
    context,
    'lint',
    'what policies say that their authors may not have meant',
    async (state: string | undefined, options: LintOptions) =>
      withStates([() => openState(context, options.log ?? state ?? 'live', options.socket)], async given => {
        const { terminal, workingFolder } = context
        const found = lint(given!.engine)
        const placeOf = await placesOf(
          given!,
          found.map(({ seq }) => seq),
          workingFolder,
        )
        const findings = found.map((finding): Placed => {
          const place = placeOf(finding.seq)
          return place === undefined ? finding : { ...finding, place }
        })
        if (options.output === 'json') await terminal.line(JSON.stringify(findings))
        else {
          for (const line of findingLines(findings, terminal.colour)) await terminal.line(line)
          await terminal.line(lintSummary(findings))
        }
        return fails(found, options.failOn) ? exitCodes.no : exitCodes.ok
      }),
  )
    .argument('[state]', `${stateHelp} (the default)`)
    .option('--log <folder>', 'a log instead of an agent')
    .addOption(
      new Option('--fail-on <severity>', 'exit with 1 when there is one so severe, or worse').choices(severities),
    )
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}

const fails = (findings: readonly Finding[], least: Severity | undefined): boolean =>
  least !== undefined && findings.some(({ severity }) => severities.indexOf(severity) <= severities.indexOf(least))
