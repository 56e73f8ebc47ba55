import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseIpMasq } from '@weir/core/input/ip-masq.js'
import { sameFact } from '@weir/core/input/same-fact.js'
import { isLeft } from 'fp-ts/lib/Either.js'
import { readDocument } from '../manifests/document.js'
import { manifestLimits } from '../manifests/limits.js'
import { gatheredNotices } from '../manifests/notices.js'
import { problemText } from '../manifests/set.js'
import type { Source, SourceSink } from './source.js'

/** How long the folder must have been quiet, so that the file is whole. */
const quietMs = 100
/** How often it is read unasked, for changes that nothing tells of. */
const rescanMs = 10_000

/**
 * Follows a file of ip-masq-agent's form, YAML or JSON. While it is not there, what ip-masq-agent does without one holds;
 * while it can't be understood, what it said before.
 */
export function ipMasqSource(path: string): Source {
  return {
    name: `ip-masq:${path}`,
    async run(sink, signal) {
      const news = new News()
      // The folder, as that is where a mounted ConfigMap is replaced as a whole.
      const notices = gatheredNotices(dirname(path), quietMs, news)
      try {
        while (!signal.aborted) {
          await say(path, sink)
          await news.wait(rescanMs, signal)
        }
      } finally {
        notices.close()
      }
    },
  }
}

async function say(path: string, sink: SourceSink): Promise<void> {
  try {
    const text = await textOf(path)
    const document = text === undefined ? undefined : readDocument({ text, line: 1 }, manifestLimits)
    if (document !== undefined && isLeft(document))
      return sink.report('failing', problemText({ file: path, path: '', ...document.left }))
    const parsed = parseIpMasq(document?.right.data)
    if (isLeft(parsed)) {
      const problems = parsed.left.map(each => ({ ...each, file: path, line: document?.right.lineOf(each.path) ?? 1 }))
      return sink.report('failing', problems.map(problemText).join('; '))
    }
    const config = parsed.right
    await sink.submit(state =>
      sameFact(state.ipMasq?.fact, config) ? [] : [{ kind: 'ipmasq.configured' as const, config }],
    )
    sink.report('watching')
  } catch (error) {
    sink.report('failing', error instanceof Error ? error.message : String(error))
  }
}

/** Undefined when there is no such file. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path)
    if (size > manifestLimits.documentSizeBytes)
      throw new RangeError(`${path} has ${size} bytes; at most ${manifestLimits.documentSizeBytes} are read`)
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Wakes whoever waits when anything may have changed. */
class News {
  #isNew = false
  #wake: () => void = () => {}

  changed(): void {
    this.unsure()
  }

  unsure(): void {
    this.#isNew = true
    this.#wake()
  }

  async wait(mostMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#isNew && !signal.aborted)
      await new Promise<void>(resolve => {
        const timer = setTimeout(() => done(), mostMs)
        const done = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          resolve()
        }
        signal.addEventListener('abort', done)
        this.#wake = done
      })
    this.#wake = () => {}
    this.#isNew = false
  }
}
