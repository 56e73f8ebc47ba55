import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { pathSteps } from '@weir/core/input/path.js'
import { type Document, LineCounter, parseDocument, type ScalarTag, type Tags } from 'yaml'
import { inspectDocument } from './inspect.js'
import type { ManifestLimits } from './limits.js'
import { offsetOfPath } from './locate.js'
import { tooDeepAt } from './nesting.js'
import { plainDepthMost, readPlain } from './plain.js'
import type { RefusalCode } from './set.js'
import { type DocumentText, linesIn } from './split.js'

/** A document as plain data, and the way back from a field to its line. */
export interface ReadDocument {
  readonly data: unknown
  /** 1-based line of the file on which the field of this path stands. */
  readonly lineOf: (path: string) => number
}

/** What forbids reading a document. */
export interface DocumentProblem {
  readonly code: RefusalCode
  readonly message: string
  readonly expected?: string
  readonly line: number
}

const longestMessage = 200

/** Types that a manifest has no use for, and that would turn a string into something else. */
const foreignTags = new Set(['timestamp', 'binary', 'omap', 'pairs', 'set'].map(name => `tag:yaml.org,2002:${name}`))

/**
 * YAML 1.1 as Kubernetes reads it: `yes` and `on` are booleans, `<<` merges, but neither dates nor base 60; and `e7` or a dot
 * is no number, which the library takes for one that isn't any.
 */
const kubernetesTags = (tags: Tags): Tags =>
  tags
    .filter(tag => typeof tag === 'string' || !(foreignTags.has(tag.tag) || (tag as ScalarTag).format === 'TIME'))
    .map(tag => (typeof tag === 'string' || !takesNothing(tag as ScalarTag) ? tag : withDigit(tag as ScalarTag)))

const takesNothing = ({ tag, test }: ScalarTag): boolean =>
  tag === 'tag:yaml.org,2002:float' && test !== undefined && (test.test('.') || test.test('e7'))

const withDigit = (tag: ScalarTag): ScalarTag => ({
  ...tag,
  test: new RegExp(`^(?=[-+]?\\.?[0-9])(?:${tag.test?.source})`),
})

const parse = (text: string, lineCounter: LineCounter): Document =>
  parseDocument(text, {
    version: '1.1',
    customTags: kubernetesTags,
    lineCounter,
    prettyErrors: false,
    logLevel: 'silent',
    // Repeated keys are found by `inspectDocument`, in linear time.
    uniqueKeys: false,
    stringKeys: false,
  })

const depthProblem = (line: number, depthMax: number): DocumentProblem => ({
  code: 'WEIR_MANIFEST_TOO_COMPLEX',
  message: 'maps and lists nest too deep',
  expected: `at most ${depthMax} levels`,
  line,
})

const syntaxProblem = (message: string, line: number, limits: ManifestLimits): DocumentProblem =>
  /maximum call stack/i.test(message)
    ? depthProblem(line, limits.depthMax)
    : { code: 'WEIR_MANIFEST_NOT_YAML', message: `this is not YAML: ${message.slice(0, longestMessage)}`, line }

const sizeProblem = ({ text, line }: DocumentText, limitBytes: number): DocumentProblem | undefined => {
  if (text.length <= limitBytes && Buffer.byteLength(text) <= limitBytes) return undefined
  const expected = `at most ${limitBytes} bytes`
  return {
    code: 'WEIR_MANIFEST_TOO_LARGE',
    message: `the document has ${Buffer.byteLength(text)} bytes`,
    expected,
    line,
  }
}

/** Longer ones may have more values or levels than a document may have. */
const plainLengthMost = 8192

/** Reads one document of a file. The right side's data is plain JSON-like data without cycles. */
export const readDocument = (source: DocumentText, limits: ManifestLimits): Either<DocumentProblem, ReadDocument> => {
  const { text, line } = source
  const mayBePlain = text.length <= Math.min(plainLengthMost, limits.documentSizeBytes, limits.nodesMax)
  const plain = mayBePlain && limits.depthMax >= plainDepthMost ? readPlain(text) : undefined
  if (plain === undefined) return readWholeDocument(source, limits)
  return right({ data: plain.data, lineOf: path => line + plain.lineAt(pathSteps(path)) })
}

/** The same by a reader of all of YAML. */
export const readWholeDocument = (
  source: DocumentText,
  limits: ManifestLimits,
): Either<DocumentProblem, ReadDocument> => {
  const oversized = sizeProblem(source, limits.documentSizeBytes)
  if (oversized !== undefined) return left(oversized)
  const deep = tooDeepAt(source.text, limits.depthMax)
  if (deep !== undefined) return left(depthProblem(source.line + linesIn(source.text, deep), limits.depthMax))
  const lineCounter = new LineCounter()
  const lineAt = (offset: number): number => source.line - 1 + Math.max(1, lineCounter.linePos(offset).line)
  try {
    const document = parse(source.text, lineCounter)
    const broken = document.errors[0] ?? document.warnings[0]
    if (broken !== undefined) return left(syntaxProblem(broken.message, lineAt(broken.pos[0]), limits))
    const shape = inspectDocument(document, limits)
    if (shape !== undefined) {
      const code = shape.kind === 'complex' ? 'WEIR_MANIFEST_TOO_COMPLEX' : 'WEIR_MANIFEST_NOT_YAML'
      return left({ code, message: shape.message, expected: shape.expected, line: lineAt(shape.offset) })
    }
    const data: unknown = document.toJS({ maxAliasCount: -1 })
    return right({ data, lineOf: path => lineAt(offsetOfPath(document, pathSteps(path))) })
  } catch (error) {
    return left(syntaxProblem(error instanceof Error ? error.message : String(error), source.line, limits))
  }
}
