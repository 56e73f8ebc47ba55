import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { pseudonymKey } from '../../incident/key.js'
import { mapOfLog, type PseudonymMap, readMap, revealed } from '../../incident/pseudonym-map.js'
import { command, type CommandContext } from '../command.js'
import { exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'
import { invalid } from '../states.js'

interface RevealOptions {
  readonly map?: string
  readonly key?: string
  readonly log?: string
}

/** `weir log reveal` */
export function logRevealCommand(context: CommandContext): Command {
  return command(
    context,
    'reveal',
    'a text about a pseudonymised incident, with the originals in it',
    async (file: string, options: RevealOptions) => {
      const map = await mapOf(context, options)
      const text =
        file === '-' ? await textOf(context.stdin) : await readFile(resolve(context.workingFolder, file), 'utf8')
      await context.terminal.line(revealed(text, map).replace(/\n$/, ''))
      return exitCodes.ok
    },
  )
    .argument('<file>', 'the incident, or what somebody says of it; - for standard input')
    .option('--map <file>', 'what `weir log export --pseudonymise --map` wrote')
    .option('--key <file>', 'or the key of that export, with the log that it was made of')
    .option('--log <folder>', 'that log, or the state folder of an agent (or WEIR_STATE)')
}

async function mapOf(context: CommandContext, { map, key, log }: RevealOptions): Promise<PseudonymMap> {
  if ((map === undefined) === (key === undefined))
    throw invalid(map ?? '', 'originals come from a map, or from a key and the log', '--map FILE, or --key FILE')
  if (map === undefined) {
    const secret = await pseudonymKey(resolve(context.workingFolder, key!), false)
    return readingLog(context, await logFolder(context, log), found => mapOfLog(found, secret))
  }
  const text = await readFile(resolve(context.workingFolder, map), 'utf8')
  try {
    return readMap(text)
  } catch (error) {
    throw invalid(map, error instanceof Error ? error.message : String(error), 'a map as --map wrote it')
  }
}

async function textOf(stdin: CommandContext['stdin']): Promise<string> {
  const parts: string[] = []
  for await (const part of stdin) parts.push(typeof part === 'string' ? part : Buffer.from(part).toString('utf8'))
  return parts.join('')
}
