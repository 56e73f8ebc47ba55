import { type Command, InvalidArgumentError } from 'commander'
import { defaultSocketPath } from '../../agent/protocol.js'
import { answersTo, type Answer } from '../../agent/question.js'
import { isServiceAnswer } from '../../agent/service-answer.js'
import { agentClient } from '../client.js'
import { command, type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { hashSeedOption, type MaglevOptions, maglevTables, tableSizeOption } from '../maglev-options.js'
import { type Moment, momentHelp, openStateAt, pointInLog } from '../moment.js'
import { explanationLines, isAllowed } from '../render/explanation.js'
import { serviceLines } from '../render/service-answer.js'
import { invalid, openLog, withStates } from '../states.js'

interface WhyOptions extends MaglevOptions {
  readonly fromPort?: number
  readonly at?: Moment
  readonly socket: string
  readonly log?: string
  readonly stateFrom?: string
  readonly failOnDeny?: boolean
  readonly output: Output
}

/** `weir why FROM TO[:PORT[/PROTO]]` */
export function whyCommand(context: CommandContext): Command {
  return command(
    context,
    'why',
    'whether a flow passes, and the rules and events that decide it',
    async (from: string, to: string, options: WhyOptions) => {
      const answers = await answersOf(context, from, to, options)
      if (options.output === 'json') await context.terminal.line(JSON.stringify(answers))
      else for (const line of answerLines(context, answers)) await context.terminal.line(line)
      return options.failOnDeny === true && !answers.every(passes) ? exitCodes.no : exitCodes.ok
    },
  )
    .argument('<from>', 'a pod, a workload, a label selector, an entity, an address or a block of addresses')
    .argument('<to>', 'the same, with :PORT[/PROTO]; without a port, every port of the pod and ICMP echo')
    .option('--log <folder>', 'ask a log instead of an agent, with @SEQ as it was after that event')
    .option('--state-from <state>', 'ask any state instead of an agent: manifests, a log, an export')
    .option('--at <moment>', `as it was then: ${momentHelp}`, pointInLog)
    .option('--fail-on-deny', 'exit with 1 unless all of it passes')
    .option('--from-port <port>', "of a client outside: which slot of a service's Maglev table it comes to", withPort)
    .addOption(tableSizeOption())
    .addOption(hashSeedOption())
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
    .addHelpText('after', whyHelp)
}

function answerLines({ terminal: { colour }, workingFolder }: CommandContext, answers: readonly Answer[]) {
  const services = answers.filter(isServiceAnswer)
  return services.length > 0
    ? serviceLines(services, colour, workingFolder)
    : explanationLines(
        answers.filter(answer => !isServiceAnswer(answer)),
        colour,
        workingFolder,
      )
}

/** A service passes when a connection goes somewhere, and may wherever it goes. */
const passes = (answer: Answer): boolean =>
  isServiceAnswer(answer)
    ? (answer.outcome === 'balanced' || answer.outcome === 'headless') &&
      answer.flows.length > 0 &&
      answer.flows.every(isAllowed)
    : isAllowed(answer)

const whyHelp = `
FROM and TO:
  shop/web-0, web-0, shop/web, deploy/web     a pod, or a workload
  app=web,ns=shop  'tier in (a,b)'  !app      pods by labels, there or not; ns= and sa= are namespace and service account
  host, remote-node, world, world-ipv4, world-ipv6, kube-apiserver, cluster, all, health, init, ingress, unmanaged
  10.0.0.7, [2001:db8::1], 10.0.0.0/8         an address, everybody in a block
TO, besides:
  svc/web, shop/svc/web, web.shop.svc, shop/web    a service (the last where no pod or workload has the name)
  10.96.0.7:80, host:30080                         a service's address, a node port
PORT: 80, 80-90, *, a port's name, of ICMP a type (8, 3.1, EchoRequest)
PROTO: TCP (the default), UDP, SCTP, ICMP, ICMPv6, 0 to 255, or any
`

async function answersOf(
  context: CommandContext,
  from: string,
  to: string,
  options: WhyOptions,
): Promise<readonly Answer[]> {
  const { log, stateFrom, socket, fromPort, at } = options
  if (log !== undefined && stateFrom !== undefined)
    throw invalid(stateFrom, 'there can be one state to ask', '--log or --state-from')
  if (log === undefined && stateFrom === undefined && at === undefined)
    return agentClient(socket).get<readonly Answer[]>('/v1/why', {
      ...{ from, to },
      ...(fromPort !== undefined && { fromPort: String(fromPort) }),
    })
  return withStates(
    [
      () =>
        log === undefined || at !== undefined
          ? openStateAt(context, log ?? stateFrom ?? 'live', at, socket)
          : openLog(context, log),
    ],
    state =>
      answersTo(state!.engine, from, to, seq => state!.sourceOf(seq), {
        maglev: maglevTables(options),
        ...(fromPort !== undefined && { fromPort }),
      }),
  )
}

function withPort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535)
    throw new InvalidArgumentError('A port from 1 to 65535 is expected.')
  return Number(text)
}
