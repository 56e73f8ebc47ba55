import { counted } from '@weir/core/counted.js'
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { WeirError } from '@weir/core'
import { columnsOf, EventLog, type ExportedFlow, FlowStore, folderStorage } from '@weir/store'
import { flowFolderIn } from '../../flows/history.js'
import { command, type CommandContext, type Output, outputOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { logFolderIn } from '../log-folder.js'

interface ImportOptions {
  readonly log?: string
  readonly output: Output
}

/** `weir log import` */
export function logImportCommand(context: CommandContext): Command {
  return command(context, 'import', 'an export into a new log', async (file: string, options: ImportOptions) => {
    const { terminal } = context
    if (options.log === undefined)
      throw new WeirError('WEIR_REQUEST_INVALID', 'which log to make is missing', {
        problems: [{ path: '--log', message: 'this option is required', expected: 'a folder that is not there yet' }],
      })
    const given = resolve(context.workingFolder, options.log)
    const source = file === '-' ? context.stdin : createReadStream(resolve(context.workingFolder, file))
    const { hasFlows, texts } = await begun(source)
    // Where flows come with it, the folder is as an agent's: a log, and flows beside it.
    const path = hasFlows ? logFolderIn(given) : given
    const holder = { pid: process.pid, command: 'weir log import', since: Date.now() }
    const flows: ExportedFlow[] = []
    const log = await EventLog.open({ storage: folderStorage({ path, holder }) })
    try {
      const head = await log.import(texts, flow => flows.push(flow))
      if (flows.length > 0) await keepFlows(flows, flowFolderIn(given))
      const withFlows = flows.length === 0 ? '' : `; ${flows.length} recorded flows`
      await terminal.line(
        options.output === 'json'
          ? JSON.stringify({ folder: path, head, ...(flows.length > 0 && { flows: flows.length }) })
          : `${counted(head.seq - log.base.seq, 'event')} in ${path}, head ${head.hash}${withFlows}`,
      )
    } finally {
      await log.close()
    }
    return exitCodes.ok
  })
    .argument('<file>', 'what `weir log export` wrote; - for standard input')
    .option('--log <folder>', 'where to make the log; of an export with flows, a folder for both')
    .addOption(outputOption())
}

async function keepFlows(flows: readonly ExportedFlow[], path: string): Promise<void> {
  const holder = { pid: process.pid, command: 'weir log import', since: Date.now() }
  const store = await FlowStore.open(folderStorage({ path, holder }))
  try {
    await store.append(columnsOf(flows))
  } finally {
    await store.close()
  }
}

/** Whether the first line says that recorded flows come behind the events, and all of the text. */
async function begun(
  source: AsyncIterable<Uint8Array | string>,
): Promise<{ readonly hasFlows: boolean; readonly texts: AsyncIterable<string> }> {
  const decoder = new TextDecoder()
  const chunks = source[Symbol.asyncIterator]()
  let text = ''
  let isDone = false
  while (!isDone && !text.includes('\n')) {
    const { done = false, value } = await chunks.next()
    isDone = done
    if (value !== undefined) text += typeof value === 'string' ? value : decoder.decode(value, { stream: true })
  }
  async function* texts(): AsyncGenerator<string> {
    yield text
    while (!isDone) {
      const { done = false, value } = await chunks.next()
      isDone = done
      if (value !== undefined) yield typeof value === 'string' ? value : decoder.decode(value, { stream: true })
    }
    yield decoder.decode()
  }
  return { hasFlows: countedFlows(text.slice(0, text.indexOf('\n'))) > 0, texts: texts() }
}

/** Of a line that is no header, none: reading it says what it is. */
function countedFlows(line: string): number {
  try {
    return (JSON.parse(line) as { readonly origin?: { readonly flows?: number } } | null)?.origin?.flows ?? 0
  } catch {
    return 0
  }
}
