import type { Problem } from '@weir/core/errors.js'
import type { ObjectKey } from '@weir/core/event/event.js'
import { changedBy } from '@weir/core/input/managed-fields.js'
import { recognise } from '@weir/core/input/kinds.js'
import { podHasEnded } from '@weir/core/input/pod.js'
import { isLeft } from 'fp-ts/lib/Either.js'
import { readDocument } from './document.js'
import type { ManifestLimits } from './limits.js'
import { fileKey, keyTitle, type ManifestObject, type Refusal, type RefusalCode, type SkippedObject } from './set.js'
import { splitDocuments } from './split.js'

/** Problems that one file is told of at once. */
const problemsPerFileMax = 50

/** What one file says. */
export interface FileReading {
  readonly file: string
  /** What is defined, understood or not, in the order of the file. */
  readonly entries: readonly (ManifestObject | Refusal)[]
  /** The problems of the file itself, and of things in it that can't be told to be a certain object. */
  readonly refusal: Refusal | undefined
  readonly skipped: readonly SkippedObject[]
}

/** A whole file refused. */
export const refusedFile = (file: string, code: RefusalCode, message: string, expected?: string): FileReading => {
  const problem = { file, line: 1, path: '', message, ...(expected === undefined ? {} : { expected }) }
  return {
    file,
    entries: [],
    skipped: [],
    refusal: { code, object: fileKey(file), file, line: 1, problems: [problem] },
  }
}

interface Item {
  readonly raw: unknown
  /** The path of the object in its document: '' or `items[3]`. */
  readonly path: string
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Items of a typed list as the API server sends it have neither kind nor version of their own. */
const withKind = (item: unknown, list: Readonly<Record<string, unknown>>, kind: string): unknown =>
  kind === '' || !isMap(item) || item.kind !== undefined || item.apiVersion !== undefined
    ? item
    : { ...item, apiVersion: list.apiVersion, kind }

/** The objects of a document: itself, or the items of a `List` or `PodList`, lists in lists included. */
export const itemsOf = (raw: unknown, path: string): readonly Item[] => {
  const kind = isMap(raw) ? raw.kind : undefined
  if (!isMap(raw) || typeof kind !== 'string' || !kind.endsWith('List')) return [{ raw, path }]
  const items = raw.items ?? (kind === 'List' ? [] : undefined)
  if (!Array.isArray(items)) return [{ raw, path }]
  const prefix = path === '' ? 'items' : `${path}.items`
  const inner = kind.slice(0, -'List'.length)
  return items.flatMap((item: unknown, index) => itemsOf(withKind(item, raw, inner), `${prefix}[${index}]`))
}

/** The path of a field of an object that itself stands at a path of its document. */
export const joined = (parent: string, path: string): string => {
  if (parent === '' || path === '') return parent + path
  return path.startsWith('[') ? parent + path : `${parent}.${path}`
}

/** Collects what a file says; problems without an object of their own go to the file. */
class FileReader {
  readonly #file: string
  readonly #limits: ManifestLimits
  readonly #entries: (ManifestObject | Refusal)[] = []
  readonly #skipped: SkippedObject[] = []
  readonly #problems: Problem[] = []
  #code: RefusalCode | undefined
  #objects = 0
  #pods = 0

  constructor(file: string, limits: ManifestLimits) {
    this.#file = file
    this.#limits = limits
  }

  read(text: string): FileReading {
    for (const source of splitDocuments(text)) {
      const read = readDocument(source, this.#limits)
      if (isLeft(read)) {
        const { code, line, message, expected } = read.left
        this.#refuseFile(code, {
          file: this.#file,
          line,
          path: '',
          message,
          ...(expected === undefined ? {} : { expected }),
        })
        continue
      }
      const { data, lineOf } = read.right
      if (data === null || data === undefined) continue
      for (const item of itemsOf(data, '')) {
        if (!this.#mayHoldMore(lineOf(item.path))) return this.#reading()
        this.#take(item, lineOf)
      }
    }
    return this.#reading()
  }

  #mayHoldMore(line: number): boolean {
    this.#objects++
    if (this.#objects <= this.#limits.objectsPerFileMax) return true
    const expected = `at most ${this.#limits.objectsPerFileMax} objects in a file`
    this.#refuseFile('WEIR_MANIFEST_TOO_COMPLEX', {
      file: this.#file,
      line,
      path: '',
      message: 'there are too many objects',
      expected,
    })
    return false
  }

  #take({ raw, path }: Item, lineOf: (path: string) => number): void {
    const file = this.#file
    const line = lineOf(path)
    const place = (problem: Problem): Problem => ({ ...problem, file, line: lineOf(joined(path, problem.path)) })
    const recognised = recognise(raw)
    const { object } = recognised
    if (recognised.status === 'unknown') {
      this.#skipped.push({ object, apiVersion: recognised.apiVersion, file, line, reason: recognised.reason })
      return
    }
    if (recognised.status === 'broken') {
      // A slip in `apiVersion` leaves the object's key known; any other hides which object is meant.
      const known = recognised.problems.every(problem => problem.path === 'apiVersion')
      this.#refuse(known ? object : undefined, line, recognised.problems.map(place))
      return
    }
    const parsed = recognised.input.parse(raw)
    if (isLeft(parsed)) {
      this.#refuse(object, line, parsed.left.map(place))
      return
    }
    this.#pods += parsed.right.length
    if (this.#pods > this.#limits.podsPerFileMax) {
      this.#pods -= parsed.right.length
      const expected = `at most ${this.#limits.podsPerFileMax} pods from one file`
      const problem = {
        file,
        line: lineOf(joined(path, 'spec.replicas')),
        path: 'spec.replicas',
        message: 'there are too many pods',
        expected,
      }
      this.#refuse(object, line, [problem], 'WEIR_MANIFEST_TOO_COMPLEX')
      return
    }
    const by = changedBy(raw)
    const running = !podHasEnded(raw)
    this.#entries.push({ object, file, line, bodies: parsed.right, running, ...(by !== undefined && { by }) })
  }

  #refuse(
    object: ObjectKey | undefined,
    line: number,
    problems: readonly Problem[],
    code: RefusalCode = 'WEIR_INPUT_INVALID',
  ): void {
    if (object !== undefined && object.name !== '') {
      this.#entries.push({ code, object, file: this.#file, line, problems })
      return
    }
    for (const problem of problems) this.#refuseFile(code, problem)
  }

  #refuseFile(code: RefusalCode, problem: Problem): void {
    this.#code ??= code
    if (this.#problems.length < problemsPerFileMax) this.#problems.push(problem)
    else if (this.#problems.length === problemsPerFileMax)
      this.#problems.push({ file: this.#file, path: '', message: 'there are more problems than these' })
  }

  #reading(): FileReading {
    const refusal: Refusal | undefined =
      this.#code === undefined
        ? undefined
        : {
            code: this.#code,
            object: fileKey(this.#file),
            file: this.#file,
            line: this.#problems[0]?.line ?? 1,
            problems: this.#problems,
          }
    return { file: this.#file, entries: this.#entries, skipped: this.#skipped, refusal }
  }
}

/** Reads the text of a file. */
export const readManifestText = (file: string, text: string, limits: ManifestLimits): FileReading =>
  new FileReader(file, limits).read(text)

export const isRefusal = (entry: ManifestObject | Refusal): entry is Refusal => 'problems' in entry

/** What the place of an earlier definition is called. */
export const placeTitle = (entry: ManifestObject | Refusal): string =>
  `${keyTitle(entry.object)} at ${entry.file}:${entry.line}`
