import { WeirError } from '@weir/core/errors.js'

/** Longer than any event as JSON: what has no newline for so long isn't an export. */
const maxLineLength = 64 << 20

/** Cuts text that arrives in pieces into its lines, numbered from 1; empty ones are left out. */
export async function* splitLines(
  chunks: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<{ readonly line: number; readonly text: string }> {
  let rest = ''
  let line = 0
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() as string
    for (const text of lines) {
      line++
      if (text.trim() !== '') yield { line, text }
    }
    if (rest.length > maxLineLength) {
      const reason = `the line is longer than ${maxLineLength} characters`
      throw new WeirError('WEIR_IMPORT_INVALID', `line ${line + 1}: ${reason}`, { line: line + 1, reason })
    }
  }
  if (rest.trim() !== '') yield { line: line + 1, text: rest }
}
