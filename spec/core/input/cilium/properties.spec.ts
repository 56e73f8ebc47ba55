import { parseCiliumNetworkPolicy } from '@weir/core/input/cilium/policy.js'
import { fieldPath, itemPath } from '@weir/core/input/path.js'
import { sameFact } from '@weir/core/input/same-fact.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { isLeft } from 'fp-ts/lib/Either.js'
import { problemsOf, understood } from '../read.js'
import { legalPolicy } from './legal.js'

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)
const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !isList(value)

/** Maps whose keys are of the writer's own choice. */
const freeMaps = new Set(['matchLabels'])

/** Every place of a document, with its path. */
function* places(value: unknown, path = ''): Generator<{ readonly path: string; readonly value: unknown }> {
  yield { path, value }
  if (isList(value)) for (const [index, item] of value.entries()) yield* places(item, itemPath(path, index))
  else if (isMap(value)) for (const [key, item] of Object.entries(value)) yield* places(item, fieldPath(path, key))
}

/** A copy in which `change` has been applied to what stands at this path. */
const changed = (value: unknown, target: string, change: (value: unknown) => unknown, path = ''): unknown => {
  if (path === target) return change(value)
  if (isList(value)) return value.map((item, index) => changed(item, target, change, itemPath(path, index)))
  if (!isMap(value)) return value
  const entries = Object.entries(value).map(([key, item]) => [key, changed(item, target, change, fieldPath(path, key))])
  return Object.fromEntries(entries)
}

/** The same said in another order, wherever order says nothing: keys, labels, ports, blocks, entities. */
const reordered = (value: unknown, key = ''): unknown => {
  if (isList(value)) {
    const items = value.map(item => reordered(item))
    const unordered = [
      'ports',
      'matchExpressions',
      'values',
      'toCIDR',
      'fromCIDR',
      'fields',
      'toEntities',
      'fromEntities',
    ]
    return unordered.includes(key) ? [...items, ...items].reverse() : items
  }
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, item]) => [name, reordered(item, name)] as const)
      .reverse(),
  )
}

/** Values that are wrong nearly everywhere. */
const wrong = fc.constantFrom<unknown>(70_000, -1, 'no such thing', '10.0.0.0/33', true, { zzz: 1 }, [{ zzz: 1 }])

const problemPaths = (raw: unknown): readonly string[] => {
  const parsed = parseCiliumNetworkPolicy(raw)
  return isLeft(parsed) ? parsed.left.map(({ path }) => path) : []
}

describe('input: properties of CiliumNetworkPolicies', function () {
  this.timeout(30_000)

  it('every legal one is understood, as plain data without undefined fields', () => {
    fc.assert(
      fc.property(legalPolicy, raw => {
        const fact = understood(parseCiliumNetworkPolicy(raw))
        expect(JSON.parse(JSON.stringify(fact))).to.deep.equal(fact)
      }),
    )
  })

  it('another order, and saying it twice, makes no other fact', () => {
    fc.assert(
      fc.property(legalPolicy, raw => {
        const fact = understood(parseCiliumNetworkPolicy(raw))
        expect(sameFact(understood(parseCiliumNetworkPolicy(reordered(raw))), fact)).to.equal(true)
      }),
    )
  })

  it('paths lead to the rules they name', () => {
    fc.assert(
      fc.property(legalPolicy, raw => {
        const known = new Set([...places(raw)].map(({ path }) => path))
        const { rules } = understood(parseCiliumNetworkPolicy(raw))
        for (const rule of rules)
          for (const section of [rule.ingress, rule.ingressDeny, rule.egress, rule.egressDeny])
            for (const { path } of section ?? []) expect(known.has(path), path).to.equal(true)
      }),
    )
  })

  it('an unknown field is refused at its place, wherever it stands', () => {
    fc.assert(
      fc.property(legalPolicy, fc.nat(), (raw, choice) => {
        const maps = [...places(raw)].filter(
          ({ path, value }) => isMap(value) && ![...freeMaps].some(name => path.endsWith(`.${name}`)),
        )
        const { path } = maps[choice % maps.length]!
        const broken = changed(raw, path, map => ({ ...(map as object), zzzzzzzzzz: 1 }))
        expect(problemsOf(parseCiliumNetworkPolicy(broken))).to.have.key(fieldPath(path, 'zzzzzzzzzz'))
      }),
    )
  })

  it('a field without a value is refused at its place, wherever it stands', () => {
    fc.assert(
      fc.property(legalPolicy, fc.nat(), (raw, choice) => {
        const fields = [...places(raw)].filter(({ path }) => path.startsWith('specs[') && !path.endsWith(']'))
        const { path } = fields[choice % fields.length]!
        const problem = problemsOf(parseCiliumNetworkPolicy(changed(raw, path, () => null)))[path]
        expect(problem, path).to.include({ message: 'this field has no value', value: 'null' })
      }),
    )
  })

  it('two mistakes are told of together, wherever they stand', () => {
    fc.assert(
      fc.property(legalPolicy, fc.nat(), fc.nat(), wrong, wrong, (raw, first, second, one, other) => {
        const all = [...places(raw)].filter(({ path }) => path.startsWith('specs['))
        const [a, b] = [all[first % all.length]!.path, all[second % all.length]!.path]
        fc.pre(!a.startsWith(b) && !b.startsWith(a))
        const [withA, withB] = [changed(raw, a, () => one), changed(raw, b, () => other)]
        const told = problemPaths(changed(withA, b, () => other))
        expect(told).to.include.members([...problemPaths(withA), ...problemPaths(withB)])
      }),
      { numRuns: 1000 },
    )
  })

  it('anything put anywhere is read or refused, and never thrown about', () => {
    fc.assert(
      fc.property(legalPolicy, fc.nat(), fc.anything({ maxDepth: 2 }), (raw, choice, anything) => {
        const all = [...places(raw)]
        const { path } = all[choice % all.length]!
        const parsed = parseCiliumNetworkPolicy(changed(raw, path, () => anything))
        if (isLeft(parsed))
          for (const { message, expected } of parsed.left) expect(message && expected).to.be.a('string')
      }),
      { numRuns: 400 },
    )
  })
})
