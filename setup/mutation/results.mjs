import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { root } from '../build.mjs'

/** Whether no test noticed a mutant, or none runs its code. */
export const survived = ({ status }) => status === 'Survived' || status === 'NoCoverage'

/** What became of mutants, file by file, kept from run to run as long as a file stays as it is. */
export class Results {
  #place
  /** `{ source, mutants: [{ file, line, code, becomes, status, range }] }` by path. */
  #files

  constructor(place) {
    this.#place = place
    this.#files = new Map(existsSync(place) ? JSON.parse(readFileSync(place, 'utf8')) : [])
  }

  /** The mutants of a file as it is now; undefined when they were not tried. */
  mutantsOf(file) {
    const known = this.#files.get(file)
    if (known?.source !== readFileSync(path.join(root, file), 'utf8')) return undefined
    return known.mutants
  }

  /** The lines that a file's survivors are in, as Stryker takes them; the whole file when it changed since. */
  rangesOf(file, explanations) {
    const mutants = this.mutantsOf(file)
    if (mutants === undefined) return [file]
    const left = mutants.filter(mutant => survived(mutant) && !explanations.some(known => isSame(known, mutant)))
    return [...new Set(left.map(({ range }) => `${file}:${range.replace(/:\d+/g, '')}`))]
  }

  /**
   * Takes in a report of Stryker's.
   * @param whole whether it has all mutants of its files
   */
  take(report, whole) {
    for (const [file, { source, mutants }] of Object.entries(report)) {
      const found = mutants.map(mutant => described(file, source, mutant)).filter(({ status }) => status !== 'Ignored')
      const known = whole || this.#files.get(file)?.source !== source ? [] : this.#files.get(file).mutants
      const kept = known.filter(mutant => !found.some(other => isSame(mutant, other) && mutant.range === other.range))
      this.#files.set(file, { source, mutants: [...kept, ...found].sort((a, b) => a.line - b.line) })
    }
    writeFileSync(this.#place, JSON.stringify([...this.#files]))
  }
}

/** A mutant by the lines that it is in, as they are and as it makes them: that survives edits elsewhere. */
function described(file, source, { status, replacement, location: { start, end } }) {
  const lines = source.split('\n').slice(start.line - 1, end.line)
  const before = lines[0].slice(0, start.column - 1)
  const after = lines.at(-1).slice(end.column - 1)
  return {
    file,
    line: start.line,
    code: onOneLine(lines.join('\n')),
    becomes: onOneLine(before + replacement + after),
    status,
    range: `${start.line}:${start.column}-${end.line}:${end.column}`,
  }
}

const onOneLine = text => text.trim().replace(/\s+/g, ' ')

export const isSame = (a, b) => a.file === b.file && a.code === b.code && a.becomes === b.becomes
