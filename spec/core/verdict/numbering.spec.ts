import { expect } from 'chai'
import fc from 'fast-check'
import { Engine } from '@weir/core'
import { mixedHistories } from '../../oracle/generate/mixed.js'
import { numberedBatches } from '../../oracle/generate/history.js'
import { serviceHistories } from '../../oracle/generate/services.js'
import { sampling } from '../../oracle/generate/seed.js'
import { agent, is, pod, pods, policy, Scene, tcp } from '../log.js'

const tablesOf = ({ tables }: Engine) => Object.values(tables).map(table => new Map(table))

describe('numbers', () => {
  it('stay as they were when an engine comes back from a snapshot', () => {
    fc.assert(
      fc.property(mixedHistories(30), fc.nat(8), (batches, at) => {
        const events = numberedBatches(batches)
        const engine = new Engine()
        for (const batch of events.slice(0, at)) engine.apply(batch)
        const restored = Engine.restore(structuredClone(engine.snapshot()))
        expect(tablesOf(restored)).to.deep.equal(tablesOf(engine))
        for (const batch of events.slice(at)) {
          engine.apply(batch)
          restored.apply(batch)
          expect(restored.digest().hex).to.equal(engine.digest().hex)
        }
      }),
      sampling('numbers after a snapshot', 60),
    )
  })

  it('may be fresh where nobody has written by the old ones: the state is the same', () => {
    fc.assert(
      fc.property(fc.oneof(mixedHistories(30), serviceHistories(30)), fc.nat(8), (batches, at) => {
        const events = numberedBatches(batches)
        const engine = new Engine()
        for (const batch of events.slice(0, at)) engine.apply(batch)
        const restored = Engine.restore(structuredClone(engine.snapshot()), { numbers: 'fresh' })
        if (at % 2 === 0) expect(restored.digest().hex).to.equal(engine.digest().hex)
        for (const batch of events.slice(at)) {
          engine.fold(batch)
          restored.fold(batch)
        }
        expect(restored.digest().hex).to.equal(engine.digest().hex)
      }),
      sampling('fresh numbers after a snapshot', 100),
    )
  })

  it('of a fork are its own: neither sees what the other folds', () => {
    fc.assert(
      fc.property(mixedHistories(30), fc.nat(8), (batches, at) => {
        const events = numberedBatches(batches)
        const engine = new Engine()
        for (const batch of events.slice(0, at)) engine.apply(batch)
        const before = engine.digest().hex
        const fork = engine.fork()
        for (const batch of events.slice(at)) fork.apply(batch)
        expect(engine.digest().hex).to.equal(before)
        const after = fork.digest().hex
        const whole = new Engine()
        for (const batch of events) whole.apply(batch)
        expect(after).to.equal(whole.digest().hex)
        for (const batch of events.slice(at)) engine.apply(batch)
        expect(fork.digest().hex).to.equal(after)
      }),
      sampling('forks', 40),
    )
  })

  it('are told by what they mean where nothing but the number of a named port tells two classes apart', () => {
    const scene = new Scene()
    const http = (port: number) => ({ ports: [{ name: 'http', protocol: 'TCP', port }] as const, node: 'there' })
    scene.apply(
      agent(),
      pod('a/web', { app: 'web' }, '10.0.0.1'),
      pod('a/x', {}, '10.1.0.1', http(80)),
      pod('a/y', {}, '10.1.0.2', http(81)),
      policy('p', { policyTypes: ['egress'], egress: [{ peers: [], ports: [tcp('http')] }] }),
    )
    const { classes } = scene.engine.snapshot().numbering
    expect(new Set(classes.map(([meaning]) => meaning)).size).to.equal(classes.length)
    expect(classes.length).to.be.above(2)
  })

  it('that a snapshot knew for what is no longer there are free again', () => {
    const scene = new Scene()
    scene.apply(agent(), pod('a/x', { app: 'x' }, '10.0.0.1'), policy('p', { podSelector: [is('app', 'x')] }))
    const snapshot = scene.engine.snapshot()
    const { classes, subjects, rows, slots } = snapshot.numbering
    const numbersOf = (list: readonly (readonly [string, number])[]) => list.map(([, number]) => number).sort()
    expect([classes, subjects, rows, slots].map(numbersOf)).to.deep.equal([[1], [1], [1, 2], [1]])

    const gone = (...numbers: number[]) => numbers.map(number => [`gone ${number}`, number] as const)
    const restored = new Scene(
      Engine.restore({
        ...snapshot,
        numbering: {
          classes: [...gone(4, 2), ...classes],
          subjects: [...subjects, ...gone(2)],
          rows: [...gone(3), ...rows],
          slots: [...slots, ...gone(2)],
        },
      }),
    )
    restored.log.events.push(...scene.log.events)
    expect(tablesOf(restored.engine)).to.deep.equal(tablesOf(scene.engine))
    const [added, allowing] = [
      pod('a/y', { app: 'y' }, '10.0.0.2'),
      policy('p', { podSelector: [is('app', 'x')], ingress: [{ peers: [pods(is('app', 'y'))], ports: [tcp(80)] }] }),
    ]
    for (const each of [scene, restored]) each.apply(added, allowing)
    expect(tablesOf(restored.engine)).to.deep.equal(tablesOf(scene.engine))
  })
})
