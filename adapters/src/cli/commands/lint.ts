import { type Command, Option } from 'commander'
import { type Finding, severities, type Severity } from '@weir/core/lint/finding.js'
import { lint } from '@weir/core/lint/lint.js'
import { defaultSocketPath } from '../../agent/protocol.js'
import { command, type CommandContext, computed, type Output, outputOption, socketOption } from '../command.js'
import { type ExitCode, exitCodes } from '../exit.js'
import { placeOfField } from '../origins.js'
import { findingLines, lintSummary, type Placed } from '../render/finding.js'
import { type Moment, momentHelp, openStateAt, pointInLog } from '../moment.js'
import { type GivenState, stateHelp, withStates } from '../states.js'

interface LintOptions {
  readonly log?: string
  readonly at?: Moment
  readonly socket: string
  readonly output: Output
  readonly failOn?: Severity
}

/** `weir lint [STATE]` */
export function lintCommand(context: CommandContext): Command {
  return command(
    context,
    'lint',
    'what policies say that their authors may not have meant',
    (state: string | undefined, options: LintOptions) =>
      withStates([() => openStateAt(context, options.log ?? state ?? 'live', options.at, options.socket)], given =>
        tell(context, given!, options),
      ),
  )
    .argument('[state]', `${stateHelp} (the default)`)
    .option('--log <folder>', 'a log instead of an agent')
    .option('--at <moment>', `as it was then: ${momentHelp}`, pointInLog)
    .addOption(
      new Option('--fail-on <severity>', 'exit with 1 when there is one so severe, or worse').choices(severities),
    )
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}

async function tell(context: CommandContext, state: GivenState, options: LintOptions): Promise<ExitCode> {
  const { terminal, workingFolder } = context
  const report = computed(context, () => lint(state.engine))
  const placed = async (found: readonly Finding[]): Promise<readonly Placed[]> => {
    const places: Placed[] = []
    for (const finding of found) {
      const place = await placeOfField(state, finding, workingFolder)
      places.push(place === undefined ? finding : { ...finding, place })
    }
    return places
  }
  const findings = await placed(report.findings)
  if (options.output === 'json')
    await terminal.line(JSON.stringify({ ...report, findings, ignored: await placed(report.ignored) }))
  else {
    for (const line of findingLines(findings, terminal.colour)) await terminal.line(line)
    for (const line of lintSummary(report)) await terminal.line(line)
  }
  return fails(findings, options.failOn) ? exitCodes.no : exitCodes.ok
}

const fails = (findings: readonly Finding[], least: Severity | undefined): boolean =>
  least !== undefined && findings.some(({ severity }) => severities.indexOf(severity) <= severities.indexOf(least))
