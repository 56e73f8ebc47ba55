import { answersTo } from '@weir/adapters/agent/question.js'
import { restoreEngine } from '@weir/adapters/agent/restore.js'
import { serviceHistory } from '@weir/adapters/agent/service-history.js'
import { subjectOf } from '@weir/adapters/cli/render/event.js'
import type { WeirEvent } from '@weir/core'
import { expect } from 'chai'
import { drift, type IncidentCase, incidents } from './incident-cases.js'
import { Exam } from './incident-exam.js'
import { outsiders } from './manifest-stage.js'
import type { Line } from './semantics-cases.js'
import { requireKernel } from './stage.js'

/** Events about others before and after each culprit: together more than ten thousand. */
const others = 250

/** What happened to an incident's packets, and when. */
interface Seen {
  readonly passed: boolean
  readonly passes: boolean
  readonly goodSeq: number
  readonly badSeq: number
}

const isOutsider = (name: string): name is keyof typeof outsiders => Object.hasOwn(outsiders, name)

/** The flow as the command line names it. */
function wordsOf({ flow: [from, to, what], from: given }: Pick<IncidentCase, 'flow' | 'from'>) {
  const [verb = '', port] = what.split(':')
  const word = (name: string): string => (isOutsider(name) ? outsiders[name][0] : name)
  return { from: given ?? word(from), to: `${word(to)}:${port}/${verb.toLowerCase()}` }
}

describe('incidents with real packets, among ten thousand other events (needs root and eBPF)', function () {
  this.timeout(120_000)
  let exam: Exam
  let creating: Promise<Exam> | undefined
  const seen = new Map<IncidentCase, Seen>()

  before(async function () {
    await requireKernel(this)
    creating = Exam.create(`x${process.pid}`)
    exam = await creating
    await exam.others(others)
  })
  after(async () => (await creating?.catch(() => undefined))?.close())

  async function between(first: number, last: number): Promise<readonly WeirEvent[]> {
    const found: WeirEvent[] = []
    for await (const batch of exam.stage.agent.log.read({ from: first + 1, to: last })) found.push(...batch)
    return found
  }

  describe('packets', () => {
    for (const incident of incidents)
      it(incident.title, async () => {
        const { flow, before: manifests, breaks, passed = true, prepare, mend } = incident
        await exam.set(manifests)
        await prepare?.(exam)
        expect(exam.stage.refusals()).to.deep.equal([])
        await exam.others(others)
        const good = await exam.passes(flow, passed)
        const goodSeq = exam.seq
        if (typeof breaks === 'string') await exam.set(breaks)
        else await breaks(exam)
        const bad = await exam.passes(flow, !passed)
        const badSeq = exam.seq
        seen.set(incident, { passed: good, passes: bad, goodSeq, badSeq })
        await exam.others(others)
        await mend?.(exam)
        expect([good, bad]).to.deep.equal([passed, !passed])
      })

    it('of services are in the log as they were: one loses its endpoints', async () => {
      const line: Line = ['red/client', 'red/server', `TCP:${drift.port}`]
      const passes = (expected: boolean) => exam.reachesService(line[0], drift.address, drift.port, expected)
      await exam.set(drift.before)
      expect(await passes(true)).to.equal(true)
      const goodSeq = exam.seq
      await exam.others(others)
      await exam.set(drift.breaks)
      expect(await passes(false)).to.equal(false)
      const changes = []
      for await (const change of serviceHistory(exam.stage.agent.log, drift.service, { from: goodSeq + 1 }))
        changes.push(change)
      expect(changes.map(({ kind }) => kind)).to.deep.equal(['endpointslice.deleted'])
      const [{ backends }] = changes.slice(-1) as [(typeof changes)[number]]
      expect(backends.map(({ backend, after }) => [backend, after])).to.deep.include(['10.77.1.2:8080/TCP', undefined])
    })

    it('came among more than ten thousand other events', () => {
      expect(exam.seq).to.be.greaterThan(10_000)
    })
  })

  describe('why, at the time', () => {
    for (const incident of incidents)
      it(`agrees with the packets: ${incident.title}`, async function () {
        const was = seen.get(incident) ?? this.skip()
        const { from, to } = wordsOf(incident)
        const { log } = exam.stage.agent
        for (const [seq, passes] of [
          [was.goodSeq, was.passed],
          [was.badSeq, was.passes],
        ] as const) {
          const { engine } = await restoreEngine(log, () => {}, seq, 'fresh')
          const answers = await answersTo(engine, from, to, async () => '')
          const verdicts = answers.flatMap(answer =>
            'explanation' in answer ? [answer.explanation.verdict === 1] : [],
          )
          expect(verdicts.length).to.be.greaterThan(0)
          expect([...new Set(verdicts)], `event ${seq}`).to.deep.equal([passes])
        }
      })
  })

  describe('the log', () => {
    it('has one culprit for each, between the moments that are known', async () => {
      expect(seen.size).to.equal(incidents.length)
      for (const [{ title, culprit }, { goodSeq, badSeq }] of seen) {
        const events = await between(goodSeq, badSeq)
        const named = events.filter(event => event.kind === culprit.kind && subjectOf(event).startsWith(culprit.object))
        expect(named.length, title).to.equal(1)
      }
    })
  })
})
