import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import { WeirError } from '@weir/core'
import { exampleShop } from '../../files.js'
import type { BackendChoice } from '../../agent/agent-options.js'
import { command, type CommandContext, type Output, outputOption, wholeNumber } from '../command.js'
import { exitCodes } from '../exit.js'

interface DemoOptions {
  readonly backend: BackendChoice
  readonly output: Output
  readonly keep?: boolean
  readonly timeBudget?: number
  readonly patience?: number
}

/** `weir demo [FOLDER]` */
export function demoCommand(context: CommandContext): Command {
  return policiesCommand(context)
    .enablePositionalOptions()
    .addCommand(servicesCommand(context))
    .addCommand(clusterCommand(context))
}

/** `weir demo services` */
function servicesCommand(context: CommandContext): Command {
  return command(
    context,
    'services',
    'two nodes, a router between them, services of each type, every backend replaced under load',
    async ({ output, keep }: { readonly output: Output; readonly keep?: boolean }) => {
      const { terminal, interrupted } = context
      const json = output === 'json'
      const { runServicesDemo } = await import('../../demo/services/demo.js')
      const report = await runServicesDemo({
        keep: keep === true,
        interrupted,
        colour: terminal.colour,
        say: json ? async text => terminal.note(text) : text => terminal.line(text),
      })
      if (report === undefined) return exitCodes.interrupted
      if (json) await terminal.line(JSON.stringify(report))
      return report.wrong === 0 ? exitCodes.ok : exitCodes.no
    },
  )
    .option('--keep', 'leave it running until Ctrl-C, to try other commands')
    .addOption(outputOption())
}

/** `weir demo cluster` */
function clusterCommand(context: CommandContext): Command {
  return command(
    context,
    'cluster',
    'three nodes, by direct routes and by VXLAN: every pod at every other, while nodes come, go and change',
    async ({ output }: { readonly output: Output }) => {
      const { terminal, interrupted } = context
      const json = output === 'json'
      const { runClusterDemo } = await import('../../demo/cluster/demo.js')
      const report = await runClusterDemo({
        interrupted,
        colour: terminal.colour,
        say: json ? async text => terminal.note(text) : text => terminal.line(text),
      })
      if (report === undefined) return exitCodes.interrupted
      if (json) await terminal.line(JSON.stringify(report))
      return report.wrong === 0 ? exitCodes.ok : exitCodes.no
    },
  ).addOption(outputOption())
}

function policiesCommand(context: CommandContext): Command {
  return command(
    context,
    'demo',
    'see it work: a namespace per pod, real connections, every verdict checked',
    async (folder: string | undefined, options: DemoOptions) => {
      const { terminal } = context
      const json = options.output === 'json'
      // Native code is loaded only by commands that need it.
      const { runDemo } = await import('../../demo/demo.js')
      const result = await runDemo({
        folder: folder === undefined ? exampleFolder() : resolve(context.workingFolder, folder),
        backend: options.backend,
        keep: options.keep === true,
        timeBudgetMs: (options.timeBudget ?? 300) * 1000,
        ...(options.patience !== undefined && { patienceMs: options.patience * 1000 }),
        interrupted: context.interrupted,
        colour: terminal.colour,
        // What people read along the way must not mix with the one object that scripts read.
        say: json ? async text => terminal.note(text) : text => terminal.line(text),
        onResult: async report => {
          if (json) await terminal.line(JSON.stringify(report))
        },
      })
      if (result === undefined) return exitCodes.interrupted
      return result.cells > 0 && result.disagreements.length === 0 && result.digest === result.replayDigest
        ? exitCodes.ok
        : exitCodes.no
    },
  )
    .argument('[folder]', 'Kubernetes manifests; default: the shop in examples/')
    .addOption(
      new Option('--backend <kind>', 'kernel: namespaces and eBPF; memory: the same programs without root')
        .choices(['kernel', 'memory', 'auto'])
        .default('auto'),
    )
    .option('--keep', 'leave it running until Ctrl-C, to try other commands')
    .option(
      '--time-budget <seconds>',
      'stop trying further cells after this time; says how many were left out',
      wholeNumber(1),
    )
    .option(
      '--patience <seconds>',
      'how long silence is waited for before it counts as a no (default 0.5); more for a slow machine',
      wholeNumber(1),
    )
    .addOption(outputOption())
}

/** The example beside the packages, in the repository. */
function exampleFolder(): string {
  const folder = fileURLToPath(exampleShop)
  if (!existsSync(folder))
    throw new WeirError('WEIR_NOT_FOUND', `no example at ${folder}`, { kind: 'folder', name: folder, near: [] })
  return folder
}
