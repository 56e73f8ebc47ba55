import { CST, Lexer } from 'yaml'

const steps: Readonly<Record<string, number>> = {
  'flow-seq-start': 1,
  'flow-map-start': 1,
  'flow-seq-end': -1,
  'flow-map-end': -1,
}

const marksWithoutBreak = new Set(['seq-item-ind', 'explicit-key-ind', 'map-value-ind', 'space'])

/** Whether a text has enough marks that open something to be worth a closer look. */
const mayNest = (text: string, depthMax: number): boolean => {
  let count = 0
  for (const _ of text.matchAll(/[[{]|[-?:][ \t]+[-?]/g)) if (++count > depthMax) return true
  return false
}

/**
 * The offset at which a text opens more than `depthMax` lists and maps within each other, by brackets or by marks on
 * one line; undefined when it doesn't. Looks at tokens alone: the parser would spend seconds, and all of the stack, on
 * what this finds at once. Nesting by indentation is left to the parser, whose text grows with its square.
 */
export const tooDeepAt = (text: string, depthMax: number): number | undefined => {
  if (!mayNest(text, depthMax)) return undefined
  let offset = 0
  let brackets = 0
  let marks = 0
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token) ?? ''
    brackets = Math.max(0, brackets + (steps[type] ?? 0))
    if (!marksWithoutBreak.has(type)) marks = 0
    else if (type !== 'space') marks++
    if (brackets > depthMax || marks > depthMax) return offset
    // The lexer's own marks (document start, scalar start, flow end) stand for no text.
    if (type !== 'doc-mode' && type !== 'scalar' && type !== 'flow-error-end') offset += token.length
  }
  return undefined
}
