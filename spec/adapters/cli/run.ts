import { tmpdir } from 'node:os'
import { Readable } from 'node:stream'
import { runCommand } from '@weir/adapters/cli/main.js'

export interface RunOutput {
  readonly code: number
  readonly out: readonly string[]
  readonly err: string
}

const plain = (text: string): string => text

/** Runs a command line, word by word, as a user without a terminal would see it. */
export async function runWeir(
  words: readonly string[],
  workingFolder = tmpdir(),
  interrupted: AbortSignal = new AbortController().signal,
  stdin = '',
): Promise<RunOutput> {
  const out: string[] = []
  const err: string[] = []
  const code = await runCommand(words, {
    terminal: {
      line: async text => void out.push(...text.split('\n')),
      note: text => void err.push(text),
      colour: { good: plain, bad: plain, dim: plain, strong: plain },
      widthColumns: 120,
    },
    workingFolder,
    stdin: Readable.from([stdin]),
    environment: {},
    interrupted,
  })
  return { code, out, err: err.join('\n') }
}
