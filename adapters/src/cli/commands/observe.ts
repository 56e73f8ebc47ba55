import { type Command, Option } from 'commander'
import { defaultSocketPath, type FlowRecord } from '../../agent/protocol.js'
import { agentClient } from '../client.js'
import { command, type CommandContext, socketOption, wholeNumber } from '../command.js'
import { exitCodes } from '../exit.js'
import { flowDictionary, flowLine } from '../render/flow.js'

interface ObserveOptions {
  readonly socket: string
  readonly output: 'compact' | 'text' | 'json' | 'dict'
  readonly pod?: string
  readonly namespace?: string
  readonly verdict?: string
  readonly protocol?: string
  readonly service?: string
  readonly last?: number
  readonly follow: boolean
}

/** `weir observe` */
export function observeCommand(context: CommandContext): Command {
  return command(
    context,
    'observe',
    'flows as they pass or are stopped, with the policies that decide',
    async (options: ObserveOptions) => {
      const { terminal } = context
      const query = {
        pod: options.pod,
        namespace: options.namespace,
        verdict: options.verdict,
        protocol: options.protocol,
        service: options.service,
        last: options.last === undefined ? undefined : String(options.last),
        follow: String(options.follow),
      }
      for await (const flow of agentClient(options.socket).stream<FlowRecord | { readonly lost: number }>(
        '/v1/observe',
        query,
        context.interrupted,
      )) {
        if ('lost' in flow) terminal.note(`weir: this reader was too slow for ${flow.lost} flows`)
        else if (options.output === 'json') await terminal.line(JSON.stringify(flow))
        else if (options.output === 'dict') for (const line of flowDictionary(flow)) await terminal.line(line)
        else await terminal.line(flowLine(flow, terminal.colour))
      }
      return exitCodes.ok
    },
  )
    .option('--pod <name>', 'flows from or to this pod: namespace/name, or a name')
    .option('--service <name>', 'flows to or from this service: namespace/name, or a name')
    .option('-n, --namespace <name>', 'flows from or to pods of this namespace')
    .addOption(new Option('--verdict <verdict>', 'only these').choices(['allowed', 'denied', 'dropped']))
    .addOption(new Option('--protocol <name>', 'only these').choices(['TCP', 'UDP', 'SCTP', 'ICMP', 'ICMPv6']))
    .option('--last <count>', 'start with this many flows from before', wholeNumber(0))
    .option('--no-follow', 'end after the flows from before')
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(
      new Option('-o, --output <form>', 'compact: a line each; dict: a field each; json: an object a line')
        .choices(['compact', 'text', 'json', 'dict'])
        .default('compact'),
    )
}
