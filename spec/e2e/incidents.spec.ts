import { bisect, flowOutcome, StatesBetween } from '@weir/adapters/agent/bisect.js'
import { type FlowChange, flowHistory, type FlowStanding } from '@weir/adapters/agent/flow-history.js'
import { answersTo } from '@weir/adapters/agent/question.js'
import { eventAt } from '@weir/adapters/agent/log-events.js'
import { undoOf } from '@weir/adapters/agent/undo.js'
import { restoreEngine } from '@weir/adapters/agent/restore.js'
import { serviceHistory } from '@weir/adapters/agent/service-history.js'
import { subjectOf } from '@weir/adapters/cli/render/event.js'
import { manifestText } from '@weir/adapters/cli/render/yaml.js'
import { readManifestText } from '@weir/adapters/manifests/file.js'
import { manifestLimits } from '@weir/adapters/manifests/limits.js'
import { keyTitle } from '@weir/adapters/manifests/set.js'
import type { WeirEvent } from '@weir/core'
import { bodyInForce, endOf } from '@weir/core/state/in-force.js'
import type { Undo } from '@weir/core/undo/search.js'
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

  /** The event that an incident is to be blamed on. */
  async function culpritOf({ title, culprit: { kind, object } }: IncidentCase, first: number, last: number) {
    const events = await between(first, last)
    const named = events.filter(event => event.kind === kind && subjectOf(event).startsWith(object))
    expect(named.length, title).to.equal(1)
    return named[0]!
  }

  /** What is told to undo an incident in the state after it. */
  async function undone(incident: IncidentCase, goodSeq: number, badSeq: number) {
    const event = await culpritOf(incident, goodSeq, badSeq)
    const states = new StatesBetween(exam.stage.agent.log)
    const [earlier, later] = [await states.at(event.seq - 1), await states.at(badSeq)]
    const words = wordsOf(incident)
    const { undo } = undoOf(event, earlier, later, { words, meant: flowOutcome(earlier, words) })
    return { undo, text: undo === undefined ? '' : `${keyTitle(undo.object)}: ${undo.change}` }
  }

  /** Whether packets pass while the object is as its manifest says then. */
  async function passesWith({ object, after, body }: Undo, { flow, ...was }: IncidentCase): Promise<boolean> {
    const standing = bodyInForce(exam.stage.agent.engine.state, object)
    const entries =
      after === undefined ? [] : readManifestText('undo.yaml', manifestText(after), manifestLimits).entries
    const said = entries.flatMap(entry => ('bodies' in entry ? entry.bodies : []))
    await exam.say(...(after === undefined ? [body] : said))
    const passes = await exam.passes(flow, was.passed ?? true)
    const back = standing ?? endOf(object)
    await exam.say(...(back === undefined ? [] : [back]))
    return passes
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
        const { undo, text } = await undone(incident, goodSeq, badSeq)
        const again = undo === undefined ? undefined : await passesWith(undo, incident)
        await exam.others(others)
        await mend?.(exam)
        expect([good, bad]).to.deep.equal([passed, !passed])
        expect(text).to.equal(incident.undo)
        expect(again, 'undone').to.equal(undo === undefined ? undefined : passed)
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
      const states = new StatesBetween(exam.stage.agent.log)
      const [earlier, later] = [await states.at(goodSeq), await states.at(exam.seq)]
      const words = { from: line[0], to: `${drift.address}:${drift.port}`, isService: true } as const
      expect([earlier, later].map(engine => flowOutcome(engine, words))).to.deep.equal(['allowed', 'refused'])
      const culprit = await eventAt(exam.stage.agent.log, changes[0]!.seq)
      const { undo } = undoOf(culprit, earlier, later, { words, meant: 'allowed' })
      expect(`${keyTitle(undo!.object)}: ${undo!.change}`).to.equal(drift.undo)
      await exam.set(manifestText(undo!.after))
      expect(await passes(true), 'undone').to.equal(true)
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
          const answers = await answersTo(engine, from, to, async () => ({ source: '' }))
          const verdicts = answers.flatMap(answer =>
            'explanation' in answer ? [answer.explanation.verdict === 1] : [],
          )
          expect(verdicts.length).to.be.greaterThan(0)
          expect([...new Set(verdicts)], `event ${seq}`).to.deep.equal([passes])
        }
      })
  })

  describe('the log', () => {
    let culprits: ReadonlyMap<IncidentCase, WeirEvent>

    before(async function () {
      if (seen.size < incidents.length) this.skip()
      const found = new Map<IncidentCase, WeirEvent>()
      for (const [incident, { goodSeq, badSeq }] of seen)
        found.set(incident, await culpritOf(incident, goodSeq, badSeq))
      culprits = found
    })

    it('tells in one pass when each flow was judged otherwise, and by which rule', async () => {
      const { log } = exam.stage.agent
      const changes: FlowChange[] = []
      for await (const change of flowHistory(log, incidents.map(wordsOf))) changes.push(change)
      for (const [question, incident] of incidents.entries()) {
        const { goodSeq, badSeq, passed } = seen.get(incident)!
        const told = changes
          .filter(({ seq }) => seq > goodSeq && seq <= badSeq)
          .flatMap(({ seq, flows }) => flows.map(flow => ({ seq, flow })))
          .filter(({ flow }) => flow.question === question && flow.changes === 'verdict')
        const { title, rule } = incident
        expect([...new Set(told.map(({ seq }) => seq))], title).to.deep.equal([culprits.get(incident)!.seq])
        for (const { flow } of told) {
          expect(flow.before.state, title).to.equal(passed ? 'allowed' : 'denied')
          expect(flow.after.state, title).to.equal(passed ? 'denied' : 'allowed')
          expect(rulesOf(flow[rule.side]).join('; '), title).to.include(rule.text)
        }
      }
    })

    for (const incident of incidents)
      it(`is halved down to the culprit: ${incident.title}`, async () => {
        const { log } = exam.stage.agent
        // From long before to long after, with all that happened to others in between.
        const { goodSeq, badSeq, passed } = seen.get(incident)!
        const words = wordsOf(incident)
        const states = new StatesBetween(log)
        const wanted = passed ? 'allowed' : 'denied'
        const { bad, tried } = await bisect(goodSeq - others, badSeq + others, async seq => {
          if (seq <= goodSeq) return 'good'
          if (seq >= badSeq) return 'bad'
          const engine = await states.at(seq)
          return flowOutcome(engine, words) === wanted ? 'good' : 'bad'
        })
        expect(bad).to.equal(culprits.get(incident)!.seq)
        expect(tried).to.be.at.most(12)
      })
  })
})

/** The rules that decide in a state, both directions. */
function rulesOf(standing: FlowStanding): readonly string[] {
  if (standing.state === 'absent') return []
  return [standing.egress, standing.ingress].flatMap(({ decidedBy, isolatedBy }) =>
    [...(decidedBy === undefined ? [] : [decidedBy.origin]), ...isolatedBy].map(
      ({ policy, path }) => `${policy} ${path}`,
    ),
  )
}
