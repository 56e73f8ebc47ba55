import { diffFacts } from '@weir/adapters/manifests/diff.js'
import { type FileReading, readManifestText } from '@weir/adapters/manifests/file.js'
import { allInForce, inForceOf } from '@weir/adapters/manifests/in-force.js'
import { manifestLimits } from '@weir/adapters/manifests/limits.js'
import { ManifestMemory } from '@weir/adapters/manifests/memory.js'
import type { RememberedReading } from '@weir/adapters/manifests/assemble.js'
import type { ManifestSet } from '@weir/adapters/manifests/set.js'
import { Engine, type EventDraft, type WeirEvent } from '@weir/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { everyDialect } from './dialects.js'
import { deployment, namespace, pod, policy } from './folder.js'

const options = { timeMs: 1000 }

/** What a file may say: a few names, so that files claim the same ones; broken things among them. */
const texts = [
  ...['a', 'b', 'c'].flatMap(name => [
    namespace(name),
    policy(name),
    policy(name, '{podSelector: {}, policyTypes: [Egress]}'),
    policy(name, '{podSelector: 7}'),
  ]),
  deployment('web', 1),
  deployment('web', 2),
  deployment('web', -1),
  pod('web-0'),
  pod('web-1', '  nodeName: n\n'),
]

const fileText = fc.array(fc.constantFrom(...texts), { maxLength: 3 }).map(parts => parts.join('---\n'))
const broken = fc.constant('a: [')

interface Step {
  readonly file: string
  /** Undefined takes the file away. */
  readonly text: string | undefined
  /** Whether what it said before holds on, as for a file that has just gone. */
  readonly isKept: boolean
}

const steps = fc.array(
  fc.array(
    fc.record({
      file: fc.constantFrom('/m/1.yaml', '/m/2.yaml', '/m/3.yaml', '/m/4.yaml'),
      text: fc.option(fc.oneof({ weight: 5, arbitrary: fileText }, { weight: 1, arbitrary: broken }), {
        nil: undefined,
        freq: 6,
      }),
      isKept: fc.boolean(),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  { minLength: 1, maxLength: 8 },
)

const remembered = ({ text, isKept, file }: Step, before: RememberedReading | undefined): RememberedReading => {
  const reading: FileReading = readManifestText(file, text ?? '', manifestLimits)
  const isWhole = reading.refusal === undefined
  const kept = before === undefined || (isWhole && !isKept) ? [] : [...before.reading.entries, ...before.kept]
  const own = new Set(reading.entries.map(({ object }) => `${object.kind} ${object.name}`))
  return {
    reading,
    kept: kept.filter(({ object }) => !own.has(`${object.kind} ${object.name}`)),
    unknown: !isWhole && before === undefined,
  }
}

/** Follows a log with one memory; tells all sets and what the log holds by then. */
function follow(rounds: readonly (readonly Step[])[], look: (set: ManifestSet, engine: Engine) => void): void {
  const memory = new ManifestMemory<RememberedReading>('/m')
  const engine = new Engine()
  for (const round of rounds) {
    for (const step of round) {
      const isGone = step.text === undefined && !step.isKept
      memory.put(step.file, isGone ? undefined : remembered(step, memory.get(step.file)))
    }
    const set = memory.set()
    look(set, engine)
    say(engine, diffFacts(engine.state, set, options))
  }
}

function say(engine: Engine, drafts: readonly EventDraft[]): void {
  if (drafts.length > 0) engine.apply(drafts.map((draft, at): WeirEvent => ({ ...draft, seq: engine.seq + 1 + at })))
}

describe('manifests: what has changed', () => {
  it('is all that may differ: comparing it alone says what comparing everything says', () => {
    let parts = 0
    fc.assert(
      fc.property(steps, rounds => {
        let isFirst = true
        follow(rounds, (set, engine) => {
          if (set.changed !== undefined) parts += 1
          const whole = diffFacts(engine.state, set, options)
          expect(diffFacts(engine.state, set, { ...options, afterLast: !isFirst })).to.deep.equal(whole)
          isFirst = false
        })
      }),
      { numRuns: 150 },
    )
    expect(parts, 'sets with a part').to.be.greaterThan(150)
  })

  it('is no more than the files that share a name with a changed one', () => {
    const memory = new ManifestMemory<RememberedReading>('/m')
    const put = (file: string, text: string): void =>
      memory.put(file, remembered({ file, text, isKept: false }, memory.get(file)))
    for (let n = 0; n < 20; n += 1) put(`/m/${n}.yaml`, policy(`p${n}`))
    put('/m/x.yaml', `${policy('one')}---\n${policy('two')}`)
    put('/m/y.yaml', policy('two'))
    expect(memory.set().changed, 'the first set').to.equal(undefined)
    put('/m/7.yaml', policy('p7', '{podSelector: {}, policyTypes: [Egress]}'))
    expect([...(memory.set().changed?.keys.keys() ?? [])]).to.deep.equal(['NetworkPolicy/default/p7'])
    put('/m/y.yaml', policy('two', '{podSelector: {}, policyTypes: [Egress]}'))
    const changed = memory.set().changed
    expect([...(changed?.keys.keys() ?? [])]).to.have.members([
      'NetworkPolicy/default/one',
      'NetworkPolicy/default/two',
    ])
    expect(changed?.refusals.map(({ code }) => code)).to.deep.equal(['WEIR_MANIFEST_DUPLICATE'])
    expect(memory.set(), 'nothing put since').to.equal(memory.set())
  })

  it('finds facts of every kind by their keys', () => {
    const memory = new ManifestMemory<RememberedReading>('/m')
    const text = `${everyDialect}---\n${namespace('shop')}`
    memory.put('/m/a.yaml', remembered({ file: '/m/a.yaml', text, isKept: false }, undefined))
    const engine = new Engine()
    say(engine, diffFacts(engine.state, memory.set(), options))
    const all = [...allInForce(engine.state)]
    expect(all).to.have.length(11)
    for (const entry of all) expect([...inForceOf(engine.state, [entry.key])]).to.deep.equal([entry])
  })
})
