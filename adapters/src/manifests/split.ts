/** One document of a YAML stream. */
export interface DocumentText {
  readonly text: string
  /** 1-based line of the stream on which the text begins. */
  readonly line: number
}

const isBlank = (text: string): boolean => /^\s*$/.test(text)

/** Only comments, directives and empty lines: what may stand before a document's `---`. */
const isPreamble = (text: string): boolean => text.split('\n').every(line => isBlank(line) || /^\s*#|^%/.test(line))

/** Line breaks in a text, or in its first `end` characters. */
export const linesIn = (text: string, end = text.length): number => {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) count++
  return count
}

/**
 * The documents of a stream, those without content left out. A line that begins with `---` or `...` is always a
 * marker (YAML 1.2, c-forbidden), so the stream can be cut without being parsed: a broken or huge document spoils
 * neither its neighbours nor the time it takes to refuse it.
 */
export function* splitDocuments(stream: string): Generator<DocumentText> {
  const marker = /(?:^|\n)(---|\.\.\.)(?=[ \t\r\n]|$)/g
  let start = 0
  let line = 1
  let marked = false
  for (let match = marker.exec(stream); match !== null; match = marker.exec(stream)) {
    const at = match[0].startsWith('\n') ? match.index + 1 : match.index
    const begins = match[1] === '---'
    const lineEnd = stream.indexOf('\n', at)
    const cut = begins ? at : lineEnd < 0 ? stream.length : lineEnd + 1
    const text = stream.slice(start, cut)
    const joins = begins && !marked && isPreamble(text)
    if (!joins) {
      if (!isPreamble(text.replace(/^---(?=\s|$)|\n\.\.\.\s*$/g, ''))) yield { text, line }
      line += linesIn(text)
      start = cut
    }
    marked = begins
  }
  const text = stream.slice(start)
  if (!isPreamble(text.replace(/^---(?=\s|$)/, ''))) yield { text, line }
}
