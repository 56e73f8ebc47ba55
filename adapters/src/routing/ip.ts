import { run } from '../network/run.js'

/** The network namespace in which commands run: a file, or this process's own. */
export type Netns = string | undefined

const command = (netns: Netns, words: readonly string[]): readonly [string, readonly string[]] =>
  netns === undefined ? ['ip', words] : ['nsenter', [`--net=${netns}`, 'ip', ...words]]

/** @throws WeirError WEIR_NETWORK_COMMAND */
export async function ipIn(netns: Netns, words: readonly string[], input = ''): Promise<string> {
  const [program, args] = command(netns, words)
  return run(program, args, input)
}

/**
 * What `ip -json` says; nothing when it says nothing.
 *
 * @throws WeirError WEIR_NETWORK_COMMAND
 */
export async function rowsIn<Row>(netns: Netns, words: readonly string[]): Promise<readonly Row[]> {
  const text = (await ipIn(netns, ['-json', ...words])).trim()
  return text === '' ? [] : (JSON.parse(text) as readonly Row[])
}

/**
 * Lines through one `ip -batch`; a line that fails doesn't keep the others from being tried.
 *
 * @throws WeirError WEIR_NETWORK_COMMAND when any failed
 */
export async function batchIn(netns: Netns, family: 4 | 6, lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await ipIn(netns, [`-${family}`, '-force', '-batch', '-'], `${lines.join('\n')}\n`)
}
