import { Argument, type Command } from 'commander'
import { parseBackend } from '@weir/core'
import type { Submitted } from '../../agent/intake.js'
import { type BackendView, defaultSocketPath } from '../../agent/protocol.js'
import { agentClient } from '../client.js'
import { command, type CommandContext, type Output, outputOption, socketOption, wholeNumber } from '../command.js'
import { exitCodes } from '../exit.js'

interface BackendOptions {
  readonly socket: string
  readonly output: Output
  readonly weight?: number
}

async function isListed(socket: string, body: object): Promise<boolean> {
  const parsed = parseBackend(body)
  if (parsed._tag === 'Left') return false
  const { target } = parsed.right
  const isMeant = ({ namespace, pod, address, port, protocol }: BackendView): boolean =>
    target.kind === 'pod'
      ? pod === target.name && namespace === target.namespace
      : address === target.address && port === target.port && protocol === target.protocol
  return (await agentClient(socket).get<readonly BackendView[]>('/v1/get/backends', {})).some(isMeant)
}

/** `weir backend TARGET STATE` */
export function backendCommand(context: CommandContext): Command {
  return command(
    context,
    'backend',
    'put a backend out of use, weigh it, or take that back',
    async (target: string, state: string, { socket, output, weight }: BackendOptions) => {
      const body = { target, state, ...(weight !== undefined && { weight }) }
      const { first, last } = await agentClient(socket).post<Submitted>('/v1/backends', body)
      const isNews = first <= last
      const said = isNews ? `event ${first}` : 'nothing new'
      await context.terminal.line(output === 'json' ? JSON.stringify(isNews ? { seq: first } : {}) : said)
      // What is said beforehand counts, too: a slip of the pen would look the same.
      if (isNews && !(await isListed(socket, body)))
        context.terminal.note(`weir get backends lists no ${target} now; what is said holds for one that comes`)
      return exitCodes.ok
    },
  )
    .argument('<target>', '10.0.0.1:8080/TCP, [fd00::1]:8080/UDP, or all that a pod serves: pod/shop/web-0')
    .addArgument(
      new Argument('<state>', 'active takes back what was said; the others keep established connections only').choices([
        'active',
        'quarantined',
        'maintenance',
      ]),
    )
    .option('--weight <number>', 'its share of new connections, 0 to 65535; others have 1', wholeNumber(0))
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}
