import { canonicalTables } from '@weir/adapters/agent/canonical-tables.js'
import { type EventBody, Engine, type WeirEvent } from '@weir/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { allow } from './cluster.js'
import { lives } from './lives.js'

const numbered = (bodies: readonly EventBody[]): readonly WeirEvent[] =>
  bodies.map((body, at) => ({ ...body, seq: at + 1, time: 0, source: 'spec' }))

const agent: EventBody = {
  kind: 'agent.configured',
  agent: { node: 'n1', cluster: 'default', labelFilter: [], masquerade: ['ipv4', 'ipv6'] },
}
const facts = numbered([agent, ...lives])

/** Folds the facts, settling and going through a snapshot where told. */
function engineOf(events: readonly WeirEvent[], ways: readonly ('fold' | 'apply' | 'restore')[]): Engine {
  let engine = new Engine()
  for (const [at, event] of events.entries()) {
    const way = ways[at % ways.length]
    if (way === 'apply') engine.apply([event])
    else engine.fold([event])
    if (way === 'restore') engine = Engine.restore(engine.snapshot())
  }
  return engine
}

describe('canonical tables', () => {
  it('are the same whatever way led to the state', () => {
    const way = fc.constantFrom('fold', 'apply', 'restore')
    fc.assert(
      fc.property(fc.array(way, { minLength: 1, maxLength: facts.length }), fc.nat(facts.length), (ways, count) => {
        const events = facts.slice(0, count)
        const [one, other] = [engineOf(events, ['fold']), engineOf(events, ways)]
        expect(canonicalTables(other)).to.deep.equal(canonicalTables(one))
        expect(other.digest()).to.deep.equal(one.digest())
      }),
      { numRuns: 100 },
    )
  })

  it('hold rows of every table at the end of these facts', () => {
    const lines = canonicalTables(engineOf(facts, ['fold'])).map(line => JSON.parse(line) as { table: string })
    const expected = [
      'addresses',
      'backends',
      'cells',
      'egressRules',
      'endpoints',
      'frontends',
      'masquerade',
      'nonMasquerade',
    ]
    expect([...new Set(lines.map(({ table }) => table))].sort()).to.deep.equal(
      [...expected, 'prefixes', 'rows', 'selections', 'tunnels'].sort(),
    )
  })

  it('differ where tunnels lead elsewhere', () => {
    const at = (address: string): EventBody => ({
      kind: 'node.upserted',
      node: { name: 'n2', labels: { role: 'exit' }, addresses: [address], podCidrs: ['10.9.0.0/24'] },
    })
    const [one, other] = ['10.9.9.22', '10.9.9.23'].map(address =>
      engineOf(numbered([agent, ...lives, at(address)]), ['fold']),
    )
    expect(canonicalTables(one!)).to.not.deep.equal(canonicalTables(other!))
  })

  it('differ wherever the digest differs', () => {
    const policy = (port: number): EventBody => ({
      kind: 'networkpolicy.upserted',
      policy: allow('other', 'other', 'web', port),
    })
    const [one, other] = [8080, 8081].map(port => engineOf(numbered([agent, ...lives, policy(port)]), ['fold']))
    expect(canonicalTables(one!)).to.not.deep.equal(canonicalTables(other!))
    for (let count = 1; count < facts.length; count++) {
      const [before, after] = [count, count + 1].map(end => engineOf(facts.slice(0, end), ['fold']))
      const tables = ['addresses', 'prefixes', 'endpoints', 'cells', 'frontends', 'backends', 'egress'] as const
      const differs = tables.some(part => before!.digest().parts[part] !== after!.digest().parts[part])
      if (differs) expect(canonicalTables(before!), `event ${count + 1}`).to.not.deep.equal(canonicalTables(after!))
    }
  })
})
