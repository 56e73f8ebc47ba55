import { expect } from 'chai'
import { cases } from './semantics-cases.js'
import { requireKernel, Stage, type Verb } from './stage.js'

const bothFamilies = [4, 6] as const

describe('NetworkPolicy on real packets (needs root and eBPF)', function () {
  let stage: Stage
  this.timeout(20_000)

  before(async function () {
    await requireKernel(this)
    stage = await Stage.create(`s${process.pid}`)
  })
  after(() => stage?.close())

  for (const { title, policies, passes = [], fails = [], families = bothFamilies } of cases)
    it(title, async () => {
      await stage.set(policies)
      const lines = [
        ...passes.map(line => ({ line, expected: true })),
        ...fails.map(line => ({ line, expected: false })),
      ]
      const seen = await Promise.all(
        families.flatMap(family =>
          lines.map(async ({ line, expected }) => {
            const [from, to, what] = line
            const [verb, port] = what.split(':')
            // One that should pass may take its time on a busy machine; one that shouldn't is believed after a while.
            const timeoutMs = expected ? 3000 : 300
            const passed = await stage.passes(from, to, verb as Verb, Number(port ?? 0), family, timeoutMs)
            return {
              text: `${from} → ${to} ${what} IPv${family}: ${passed ? 'passes' : 'fails'}`,
              right: passed === expected,
            }
          }),
        ),
      )
      expect(seen.filter(({ right }) => !right).map(({ text }) => text)).to.deep.equal([])
    })
})
