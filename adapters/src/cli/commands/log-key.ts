import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { WeirError } from '@weir/core'
import { publicKeyName } from '@weir/store'
import { publicKeyFileIn } from '../../agent/machine.js'
import { command, type CommandContext, type Output, outputOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { defaultStateFolder } from '../log-folder.js'

/** `weir log key`: the public half of the key that an agent signs checkpoints with. */
export function logKeyCommand(context: CommandContext): Command {
  const state = context.environment.WEIR_STATE ?? defaultStateFolder
  return command(
    context,
    'key',
    "the public key of an agent's checkpoints, to keep elsewhere",
    async (options: { state: string; output: Output }) => {
      const folder = resolve(context.workingFolder, options.state)
      const file = publicKeyFileIn(folder)
      const pem = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== 'ENOENT') throw cause
        throw new WeirError('WEIR_NOT_FOUND', `no agent has signed anything from ${folder}: there is no ${file}`, {
          kind: 'key',
          name: file,
          near: [],
        })
      })
      const key = publicKeyName(pem, file)
      await context.terminal.line(options.output === 'json' ? JSON.stringify({ key, pem }) : pem.trimEnd())
      return exitCodes.ok
    },
  )
    .option('--state <folder>', 'state folder of the agent (or WEIR_STATE)', state)
    .addOption(outputOption())
}

/**
 * A key as an option takes it: a file in PEM, or the key itself as `ed25519:…`.
 *
 * @throws WeirError WEIR_CHECKPOINT_KEY
 */
export async function givenKey(context: CommandContext, word: string): Promise<string> {
  if (word.startsWith('ed25519:')) return publicKeyName(word, word)
  const file = resolve(context.workingFolder, word)
  return publicKeyName(await readFile(file, 'utf8'), file)
}
