import { expect } from 'chai'
import { sampling } from '../oracle/generate/seed.js'
import { bugs } from './bugs.js'
import { cutPlan, cutText, parseCut, wholeOf } from './cut.js'
import { planOf } from './plan.js'
import { findingText, search } from './search.js'
import { shrink } from './shrink.js'
import { simulate } from './simulation.js'

/** Seeds by which each bug is found. */
const enough = 60

describe('a whole agent, simulated', function () {
  this.timeout(600_000)

  it('keeps the laws, whatever its disk, its kernel and its sources do', async () => {
    const { seed = 1, numRuns = 0 } = sampling('simulated lives', 200)
    const { finding } = await search(seed >>> 0, seeds => seeds < numRuns)
    if (finding !== undefined) throw new Error(findingText(finding))
  })

  it('does the same again for the same seed', async () => {
    for (const seed of [3, 4, 5]) {
      const [one, two] = [await simulate(planOf(seed)), await simulate(planOf(seed))]
      expect(two).to.deep.equal(one)
    }
    expect((await simulate(planOf(3))).fingerprint).to.not.equal((await simulate(planOf(4))).fingerprint)
  })

  it('comes to every kind of trouble, and through it', async () => {
    const seen = { lives: 0, checks: 0, kinds: new Set<string>() }
    for (let seed = 1; seed <= 20; seed += 1) {
      const plan = planOf(seed)
      for (const { kind } of plan.steps) seen.kinds.add(kind)
      const { lives, checks } = await simulate(plan)
      seen.lives += lives
      seen.checks += checks
    }
    expect([...seen.kinds].sort()).to.deep.equal(
      [
        'api',
        'connect',
        'devices',
        'disk fails',
        'files',
        'kernel refuses',
        'kill',
        'meddle',
        'repeat',
        'restart',
        'say',
      ].sort(),
    )
    expect(seen.lives).above(30)
    expect(seen.checks).above(3000)
  })

  for (const bug of bugs)
    it(`finds an agent that ${bug.name}, and shows it in a few steps`, async () => {
      const undo = bug.plant()
      try {
        const { finding, seeds } = await search(bug.from ?? 1, count => count < enough)
        expect(finding, `within ${enough} seeds`).to.not.equal(undefined)
        console.log(`      seed ${(bug.from ?? 1) + seeds - 1}: ${finding?.law}: ${finding?.message}`)
        const [, seed = '', keep = ''] = /--seed (\d+) --keep (\S*)/.exec(finding?.command ?? '') ?? []
        const plan = planOf(Number(seed))
        const smaller = cutPlan(plan, parseCut(keep))
        expect(smaller.steps.length).below(Math.max(4, plan.steps.length))
        expect((await simulate(smaller)).violation?.law).to.equal(finding?.law)
      } finally {
        undo()
      }
    })
})

describe('shrinking a simulated run', () => {
  it('keeps what matters, of steps and of what is said in them', async () => {
    const plan = planOf(7)
    const says = plan.steps.flatMap((step, at) => (step.kind === 'say' && step.bodies.length > 2 ? [at] : []))
    const [first, second] = [says[0]!, says[1]!]
    const cut = await shrink(plan, async ({ steps }) => {
      const has = (at: number, body: number) => {
        const step = plan.steps[at]!
        const wanted = step.kind === 'say' ? step.bodies[body] : undefined
        return steps.some(each => each.kind === 'say' && each.bodies.some(one => one === wanted))
      }
      return has(first, 1) && has(second, 2)
    })
    expect(cutText(cut)).to.equal(`${first}:1,${second}:2`)
    expect(parseCut(cutText(cut))).to.deep.equal(cut)
    expect(cutPlan(plan, wholeOf(plan))).to.deep.equal(plan)
    expect(() => parseCut('0,x')).to.throw(RangeError)
  })
})
