import { type Command, Option } from 'commander'
import { flowFilterOf, type FlowFilter } from '../flows/filter.js'
import { invalid } from './states.js'

/** Options with a word, and what the word is. */
const options: readonly (readonly [flags: string, help: string])[] = [
  ['--pod <name>', 'a pod: namespace/name, or a name; * at the end for any characters'],
  ['--from-pod <name>', 'the same of the source'],
  ['--to-pod <name>', 'the same of the destination'],
  ['-n, --namespace <name>', 'pods of a namespace'],
  ['--from-namespace <name>', 'the same of the source'],
  ['--to-namespace <name>', 'the same of the destination'],
  ['-l, --label <labels>', 'labels: app=web, app!=web, app, !app; several with commas'],
  ['--from-label <labels>', 'the same of the source'],
  ['--to-label <labels>', 'the same of the destination'],
  ['--ip <address>', 'an address or a block'],
  ['--from-ip <address>', 'the same of the source'],
  ['--to-ip <address>', 'the same of the destination'],
  ['--port <port>', 'a port'],
  ['--from-port <port>', 'the same of the source'],
  ['--to-port <port>', 'the same of the destination'],
  ['--identity <number>', 'an identity, or the name of a reserved one'],
  ['--from-identity <number>', 'the same of the source'],
  ['--to-identity <number>', 'the same of the destination'],
  ['--service <name>', 'a service: namespace/name, or a name'],
  ['--from-service <name>', 'the same of the source'],
  ['--to-service <name>', 'the same of the destination'],
  ['--protocol <name>', 'TCP, UDP, SCTP, ICMP, ICMPv6, or a number'],
  ['--verdict <verdict>', 'allowed (FORWARDED), denied, dropped; DROPPED: one of the last two'],
  ['--drop-reason-desc <reason>', 'the reason of a drop: POLICY_DENIED'],
  ['-t, --type <type>', 'drop, or policy-verdict'],
  ['--traffic-direction <direction>', 'whose policy decided: ingress, egress'],
  ['--tcp-flags <flags>', 'with all of these: SYN,ACK'],
]

/** The options of commands that choose among flows, and what was chosen with them. */
export interface FlowChoice {
  /** As a query of the agent: `pod`, `not-pod`, … */
  readonly query: () => readonly (readonly [string, string])[]
  /** @throws WeirError WEIR_REQUEST_INVALID */
  readonly filter: () => FlowFilter
}

/**
 * Adds `--pod`, `--from-pod`, … to a command. A field may come again: one of its words has to hold. `--not` turns the
 * option behind it round.
 */
export function withFlowChoice(command: Command): FlowChoice {
  const chosen: (readonly [string, string])[] = []
  let isNegated = false
  let notTwice = false
  const choose = (field: string, word: string): void => {
    chosen.push([isNegated ? `not-${field}` : field, word])
    isNegated = false
  }
  for (const [flags, help] of options) {
    const field = /--([a-z-]+)/.exec(flags)?.[1] ?? ''
    command.addOption(new Option(flags, help).argParser<void>(word => choose(field, word)))
  }
  command.option('-4, --ipv4', 'flows of IPv4').option('-6, --ipv6', 'flows of IPv6')
  command.option('--not', 'turn the next of these options round')
  command.on('option:ipv4', () => choose('ip-version', 'v4'))
  command.on('option:ipv6', () => choose('ip-version', 'v6'))
  command.on('option:not', () => {
    notTwice ||= isNegated
    isNegated = true
  })
  return {
    query: () => chosen,
    filter: () => {
      if (isNegated || notTwice)
        throw invalid('--not', 'there is nothing that it turns round', 'a choice right behind it')
      return flowFilterOf(chosen)
    },
  }
}
