/** A process in a cgroup that asks what its parent tells it to: `client-child.js CGROUP`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientAnswer, ClientQuestion } from './client-process.js'
import { askMany } from './request.js'

const finished = new Set<number>()

async function answer(question: ClientQuestion): Promise<void> {
  const { id, kind } = question
  if (kind === 'finish') {
    finished.add(id)
    return
  }
  const { request, width } = question
  const until = kind === 'ask' ? { times: question.times } : { isOver: () => finished.has(id) }
  const said = await askMany(request, { width, ...until }).then(
    tally => ({ id, tally }),
    (error: unknown) => ({ id, error: String(error) }),
  )
  process.send?.(said satisfies ClientAnswer)
}

writeFileSync(join(process.argv[2] ?? '', 'cgroup.procs'), String(process.pid))
process.on('message', (question: ClientQuestion) => void answer(question))
process.on('disconnect', () => process.exit(0))
const ready: ClientAnswer = { id: 0, tally: { answers: {}, seenAs: {}, failures: {}, p50Ms: 0, p99Ms: 0 } }
process.send?.(ready)
