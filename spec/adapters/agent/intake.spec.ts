import { Intake } from '@weir/adapters/agent/intake.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { Engine, type EventBody, type EventDraft, type WeirError, type WeirEvent } from '@weir/core'
import { expect } from 'chai'

const namespace = (name: string): EventBody => ({ kind: 'namespace.upserted', namespace: { name, labels: {} } })

/** A log in memory that says when it was written to. */
function logOf(trail: string[], failAt = Number.POSITIVE_INFINITY) {
  let seq = 0
  return {
    append: async (drafts: readonly EventDraft[]) => {
      await new Promise(resolve => setImmediate(resolve))
      if (seq + drafts.length >= failAt) throw new Error('no space left on device')
      const first = seq + 1
      seq += drafts.length
      trail.push(`durable ${first}-${seq}`)
      return { first, last: seq }
    },
  }
}

function intakeOf(trail: string[], options: { failAt?: number; enforce?: () => Promise<void> } = {}) {
  const engine = new Engine()
  const applied: WeirEvent[] = []
  const intake = new Intake({
    log: logOf(trail, options.failAt),
    engine,
    clock: systemClock,
    enforce:
      options.enforce ??
      (async delta => {
        trail.push(`enforced ${delta.seq}`)
      }),
    onApplied: events => void applied.push(...events),
    onHalted: ({ payload }) => void trail.push(`halted: ${payload.reason.split(',')[0]}`),
  })
  return { intake, engine, applied }
}

describe('the intake', () => {
  it('makes an input durable before it is folded, and folds it before it is enforced (law 2)', async () => {
    const trail: string[] = []
    const { intake, engine } = intakeOf(trail)
    const submitted = intake.submit('spec', [namespace('a')])
    expect(engine.seq).to.equal(0)
    expect(await submitted).to.deep.equal({ first: 1, last: 1 })
    expect(trail).to.deep.equal(['durable 1-1', 'enforced 1'])
  })

  it('joins submissions of one turn and tells each its own numbers', async () => {
    const trail: string[] = []
    const { intake } = intakeOf(trail)
    const all = await Promise.all([
      intake.submit('spec', [namespace('a'), namespace('b')]),
      intake.submit('spec', [namespace('c')]),
      intake.submit('spec', []),
    ])
    expect(all).to.deep.equal([
      { first: 1, last: 2 },
      { first: 3, last: 3 },
      { first: 4, last: 3 },
    ])
    expect(trail).to.deep.equal(['durable 1-3', 'enforced 3'])
  })

  it('asks a function for its facts when all before it is in the state', async () => {
    const { intake } = intakeOf([])
    let seen: readonly string[] = []
    await Promise.all([
      intake.submit('spec', [namespace('a')]),
      intake.submit('spec', state => {
        seen = [...state.namespaces.keys()]
        return [namespace('b')]
      }),
    ])
    expect(seen).to.deep.equal(['a'])
  })

  it('keeps who said a fact', async () => {
    const { intake, applied } = intakeOf([])
    await intake.submit('spec', [{ ...namespace('a'), source: 'manifests:a.yaml:3' }, namespace('b')])
    expect(applied.map(event => event.source)).to.deep.equal(['manifests:a.yaml:3', 'spec'])
  })

  it('stops at a log that can’t be written to, and acts on nothing after it', async () => {
    const trail: string[] = []
    const { intake, engine } = intakeOf(trail, { failAt: 2 })
    await intake.submit('spec', [namespace('a')])
    const failures = await Promise.all(
      [intake.submit('spec', [namespace('b')]), intake.submit('spec', state => [namespace(`c${state.seq}`)])].map(
        each => each.catch((error: WeirError) => error.code),
      ),
    )
    expect(failures).to.deep.equal(['WEIR_INTAKE_STOPPED', 'WEIR_INTAKE_STOPPED'])
    expect(await intake.submit('spec', [namespace('d')]).catch((error: WeirError) => error.code)).to.equal(
      'WEIR_INTAKE_STOPPED',
    )
    expect(engine.seq).to.equal(1)
    expect(intake.stopped).to.include('no space left')
    // Said even where the submitter has no use for the error, and once.
    expect(trail).to.deep.equal(['durable 1-1', 'enforced 1', `halted: ${intake.stopped!.split(',')[0]}`])
  })

  it('tells the submitter what couldn’t be enforced, keeps the event and goes on', async () => {
    let failing = true
    const { intake, engine } = intakeOf([], {
      enforce: async () => {
        if (failing) throw new Error('the map is full')
      },
    })
    expect(await intake.submit('spec', [namespace('a')]).catch((error: Error) => error.message)).to.equal(
      'the map is full',
    )
    failing = false
    expect(await intake.submit('spec', [namespace('b')])).to.deep.equal({ first: 2, last: 2 })
    expect([...engine.state.namespaces.keys()]).to.deep.equal(['a', 'b'])
  })

  it('hurts only the submission whose function throws', async () => {
    const { intake } = intakeOf([])
    const [bad, good] = await Promise.all([
      intake
        .submit('spec', () => {
          throw new Error('broken source')
        })
        .catch((error: Error) => error.message),
      intake.submit('spec', [namespace('a')]),
    ])
    expect(bad).to.equal('broken source')
    expect(good).to.deep.equal({ first: 1, last: 1 })
  })

  it('finishes what it took when it stops', async () => {
    const { intake, engine } = intakeOf([])
    const taken = intake.submit('spec', [namespace('a')])
    await intake.stop()
    expect(engine.seq).to.equal(1)
    await taken
    expect(await intake.submit('spec', [namespace('b')]).catch((error: WeirError) => error.code)).to.equal(
      'WEIR_INTAKE_STOPPED',
    )
  })
})
