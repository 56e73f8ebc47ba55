import { expect } from 'chai'
import type { EventBody, Requirement, TablesDelta } from '@weir/core'
import { agent, ipBlock, is, namespace, noPod, noPolicy, pod, pods, policy, Scene, tcp } from '../log.js'

const remote = { node: 'there' }
const workloads = 50

/** Rows that a delta changes, in all tables. */
const rowsOf = ({ addresses, prefixes, endpoints, cells, rows }: TablesDelta): number =>
  [addresses, prefixes, endpoints, cells, rows].reduce((sum, changes) => sum + changes.length, 0)

/** Remote pods of 50 workloads, a local pod, and 20 policies that let some of them in. */
function city(count: number): Scene {
  const scene = new Scene()
  const bodies: EventBody[] = [agent(), namespace('a', { team: 'x' }), pod('a/web', { app: 'web' }, '10.0.0.1')]
  for (let n = 0; n < 20; n += 1) {
    const peers = [pods(is('app', `app-${n}`, `app-${n + 1}`))]
    bodies.push(policy(`p${n}`, { podSelector: [is('app', 'web')], ingress: [{ peers, ports: [tcp(1000 + n)] }] }))
  }
  for (let n = 0; n < count; n += 1) {
    bodies.push(
      pod(`a/c${n}`, { app: `app-${n % workloads}` }, `10.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`, remote),
    )
  }
  scene.apply(...bodies)
  return scene
}

const classes = (scene: Scene): number =>
  new Set([...scene.engine.tables.addresses].map(([, row]) => row.peerClass)).size

describe('the cost of a change', () => {
  for (const count of [1000, 20_000]) {
    it(`is one row for a pod of a known class, and for its end, among ${count} pods`, () => {
      const scene = city(count)
      for (let n = 0; n < workloads; n += 1) {
        const added = pod(`a/new${n}`, { app: `app-${n}` }, `10.9.0.${n}`, remote)
        expect(rowsOf(scene.apply(added))).to.equal(1)
        expect(rowsOf(scene.apply(noPod(`a/new${n}`)))).to.equal(1)
      }
    }).timeout(20_000)

    it(`is one row for a pod with labels never seen before, among ${count} pods; classes don't grow`, () => {
      const scene = city(count)
      const before = classes(scene)
      for (let n = 0; n < 500; n += 1) {
        const labels = { app: `app-${n % workloads}`, unique: `value-${n}` }
        expect(rowsOf(scene.apply(pod(`a/u${n}`, labels, `10.8.${n >> 8}.${n & 255}`, remote)))).to.equal(1)
        if (n >= 100) expect(rowsOf(scene.apply(noPod(`a/u${n - 100}`)))).to.equal(1)
      }
      expect(classes(scene)).to.equal(before)
    }).timeout(20_000)
  }

  it('is that of the smaller part when a selector parts a class', () => {
    const scene = city(1000)
    const mostApps = Array.from({ length: 18 }, (_, n) => is('app', `app-${n + 30}`).values[0]!)
    const peers = [pods(is('app', ...mostApps))]
    // Of the 29 workloads that no policy names, 18 match: the other 11, of 20 pods each, and the local pod move.
    const delta = scene.apply(
      policy('most', { podSelector: [is('app', 'web')], ingress: [{ peers, ports: [tcp(7)] }] }),
    )
    expect(delta.addresses.length).to.equal(221)
    expect(scene.verdict('10.1.0.30', '10.0.0.1', 7)).to.equal(1)
    expect(scene.verdict('10.1.0.29', '10.0.0.1', 7)).to.equal(0)
  })

  it('moves nobody when a selector of all comes and goes, nor the many when one of nearly all does', () => {
    const scene = city(1000)
    const before = classes(scene)
    const asking = (requirement: Requirement) =>
      policy('new', { podSelector: [is('app', 'web')], ingress: [{ peers: [pods(requirement)], ports: [tcp(7)] }] })
    for (const [change, most] of [
      [asking({ key: 'app', operator: 'Exists', values: [] }), 1],
      // A twentieth of the pods of the workload, and none of the others, stay as they were.
      [asking({ key: 'app', operator: 'NotIn', values: ['app-40'] }), 20],
    ] as const) {
      expect(scene.apply(change).addresses.length).to.be.at.most(most)
      expect(scene.verdict('10.1.0.49', '10.0.0.1', 7)).to.equal(1)
      expect(scene.apply(noPolicy('new')).addresses.length).to.be.at.most(most)
      expect(scene.verdict('10.1.0.49', '10.0.0.1', 7)).to.equal(0)
    }
    expect(classes(scene)).to.equal(before)
  })

  for (const count of [10, 1000]) {
    it(`is one prefix for one more block in a rule of ${count}`, () => {
      const blocks = (some: number) =>
        policy('blocks', {
          podSelector: [is('app', 'web')],
          policyTypes: ['egress'],
          egress: [
            {
              peers: Array.from({ length: some }, (_, n) => ipBlock(`20.${n >> 8}.${n & 255}.0/24`)),
              ports: [tcp(443)],
            },
          ],
        })
      const scene = city(10)
      scene.apply(blocks(count))
      const more = scene.apply(blocks(count + 1))
      expect([more.prefixes.length, more.cells.length, more.rows.length]).to.deep.equal([1, 0, 0])
      expect(rowsOf(more)).to.equal(1)
      expect(rowsOf(scene.apply(blocks(count)))).to.equal(1)
    })
  }
})
