import { isLeft } from 'fp-ts/lib/Either.js'
import { readDocument } from './document.js'
import { itemsOf, joined } from './file.js'
import { manifestLimits } from './limits.js'
import { splitDocuments } from './split.js'

type LineOf = (path: string) => number

/** Finds the lines of fields in manifests, each file read once. */
export class FieldLines {
  readonly #textOf: (file: string) => Promise<string>
  readonly #files = new Map<string, ReadonlyMap<number, LineOf>>()

  /** @param textOf the text of a file as it was when the objects were read from it */
  constructor(textOf: (file: string) => Promise<string>) {
    this.#textOf = textOf
  }

  /**
   * The line of a field, or of the nearest thing above it that is there.
   * @param line on which the object begins
   * @param path of the field in the object
   * @returns the object's line when no object begins there any more
   */
  async lineOf(file: string, line: number, path: string): Promise<number> {
    let objects = this.#files.get(file)
    if (objects === undefined) {
      objects = new Map(objectsIn(await this.#textOf(file)))
      this.#files.set(file, objects)
    }
    return objects.get(line)?.(path) ?? line
  }
}

/** The objects of a file by the line on which they begin. */
function* objectsIn(text: string): Iterable<readonly [line: number, lineOf: LineOf]> {
  for (const source of splitDocuments(text)) {
    const read = readDocument(source, manifestLimits)
    if (isLeft(read)) continue
    const { data, lineOf } = read.right
    for (const { path } of itemsOf(data, '')) yield [lineOf(path), field => lineOf(joined(path, field))]
  }
}
