import { expect } from 'chai'
import { of, toArray, lastValueFrom } from 'rxjs'
import { Engine, WeirError, weirPipeline, type EventBody, type WeirEvent } from '@weir/core'
import { agent, Log, noPolicy, pod, policy, Scene } from '../log.js'

const object = { kind: 'NetworkPolicy', namespace: 'a', name: 'p' }
const refused: EventBody = { kind: 'input.refused', object, problems: [{ path: 'spec', message: 'is missing' }] }

const codeOf = (act: () => unknown): string | undefined => {
  try {
    act()
  } catch (error) {
    return error instanceof WeirError ? error.code : String(error)
  }
  return undefined
}

describe('state', () => {
  it('keeps what was in force beside what was refused', () => {
    const scene = new Scene()
    scene.apply(agent(), pod('a/x', {}, '10.0.0.1'), policy('p', {}), refused)
    expect(scene.engine.state.refusals.get('NetworkPolicy/a/p')?.seq).to.equal(4)
    expect(scene.engine.state.policies.get('a/p')?.seq).to.equal(3)
    expect(scene.verdict('8.8.8.8', '10.0.0.1')).to.equal(0)
  })
  for (const [what, body] of Object.entries({
    'a version that is understood': policy('p', {}),
    'its acceptance': { kind: 'input.accepted', object },
    'its deletion': noPolicy('p'),
  } satisfies Record<string, EventBody>)) {
    it(`forgets a refusal with ${what}`, () => {
      const scene = new Scene()
      scene.apply(refused, body)
      expect(scene.engine.state.refusals.size).to.equal(0)
    })
  }
  it('knows time by events alone, and never goes back', () => {
    const scene = new Scene()
    scene.apply({ kind: 'time.passed', until: 5 }, { kind: 'time.passed', until: 3 })
    expect(scene.engine.state.timeMs).to.equal(5)
  })
  it('refuses an event out of order, and one of an unknown kind, and stays as it was', () => {
    const engine = new Engine()
    const [first, second] = new Log().add(agent(), agent())
    expect(codeOf(() => engine.apply([second!]))).to.equal('WEIR_EVENT_OUT_OF_ORDER')
    expect(codeOf(() => engine.apply([{ ...first!, kind: 'moon.risen' } as unknown as WeirEvent]))).to.equal(
      'WEIR_EVENT_UNKNOWN',
    )
    expect(engine.seq).to.equal(0)
    engine.apply([first!])
    expect(engine.seq).to.equal(1)
  })
})

describe('weirPipeline', () => {
  it('makes one delta of each batch', async () => {
    const log = new Log()
    const batches = [log.add(agent(), pod('a/x', {}, '10.0.0.1')), log.add(pod('a/y', {}, '10.0.0.2'))]
    const deltas = await lastValueFrom(weirPipeline(of(...batches)).pipe(toArray()))
    expect(deltas.map(({ seq }) => seq)).to.deep.equal([2, 3])
    expect(deltas[1]!.addresses.length).to.equal(1)
  })
})
