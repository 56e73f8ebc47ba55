import type { EgressAction, EgressRow, MasqueradeRow, NonMasqueradeRow } from '@weir/core/tables/egress-rows.js'
import type { EgressTables } from '@weir/core/tables/tables.js'
import { codecs } from '@weir/datapath/codec/maps.js'
import { differences, entriesOf, nameOf, planned } from '@weir/datapath/leaving/plan.js'
import type { MapWrite } from '@weir/datapath/reconcile/batch.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { parseAddress } from '../oracle/address.js'
import { sampling } from '../oracle/generate/seed.js'

const sources = ['10.0.0.1', 'fd00::1'] as const
const destinations = ['203.0.113.7', '203.0.113.99', '198.51.100.1', '2001:db8::7', '2001:db8:ffff::7'] as const
const blocks = [
  ...['0.0.0.0/0', '203.0.112.0/20', '203.0.113.0/24', '203.0.113.0/28', '203.0.113.7/32'],
  ...['::/0', '2001:db8::/32', '2001:db8::/48', '2001:db8::7/128'],
]
const isSix = (text: string): boolean => text.includes(':')

const pick = <T>(values: readonly T[]) => fc.constantFrom(...values)

const rule: fc.Arbitrary<EgressRow> = fc
  .record({
    prefix: pick(blocks),
    action: pick<EgressAction>(['steer', 'translate', 'noGateway', 'noAddress', 'pass']),
    by: fc.nat(2),
  })
  .map(({ prefix, action, by }) => ({
    source: isSix(prefix) ? sources[1] : sources[0],
    prefix,
    action,
    policy: 'p',
    gateway: 'n',
    gatewayAddress: action === 'steer' ? (isSix(prefix) ? `fd00::a${by}` : `192.0.2.${by}`) : '',
    egressAddress: action === 'translate' ? (isSix(prefix) ? `fd00::b${by}` : `192.0.2.1${by}`) : '',
  }))

const tables: fc.Arbitrary<EgressTables> = fc
  .record({
    rules: fc.uniqueArray(rule, { selector: ({ prefix }) => prefix, maxLength: 6 }),
    unmasked: fc.uniqueArray(pick(blocks), { maxLength: 4 }),
    device: fc.option(
      fc.record({ ipv4: fc.option(pick(['192.0.2.9', '192.0.2.8', ''])), ipv6: fc.option(pick(['fd00::9', ''])) }),
    ),
  })
  .map(({ rules, unmasked, device }) => ({
    egressRules: new Map(rules.map(row => [`${row.source} ${row.prefix}`, row])),
    nonMasquerade: new Map(unmasked.map(prefix => [prefix, { prefix, why: 'x' } satisfies NonMasqueradeRow])),
    masquerade: new Map(
      device === null
        ? []
        : [
            [
              2,
              {
                ifindex: 2,
                ifname: 'eth0',
                ...(device.ipv4 !== null && { ipv4: device.ipv4 }),
                ...(device.ipv6 !== null && { ipv6: device.ipv6 }),
              } satisfies MasqueradeRow,
            ],
          ],
    ),
  }))

type Maps = Map<string, MapWrite>

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bitsOf = (bytes: Uint8Array): string => [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
const bytesOf = (text: string): Uint8Array => {
  const { family, value } = parseAddress(text)
  const digits = family === 4 ? 8 : 32
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(digits, '0'), 'hex'))
}

/** What the programs make of a new flow, from the bytes of the maps. */
function fate(maps: Maps, source: string, destination: string): string {
  const family = isSix(source) ? 6 : 4
  const of = (map: string) => [...maps.values()].filter(write => write.map === map)
  const [switched] = of('weir_leaving')
  const leaving = switched === undefined ? { masquerades: 0, rules: 0 } : codecs.leaving.read(switched.value!)
  if (leaving.rules) {
    const key = bitsOf(bytesOf(source)) + bitsOf(bytesOf(destination))
    const codec = family === 4 ? codecs.egress4 : codecs.egress6
    const found = of(`weir_egress${family}`)
      .map(({ key: bytes, value }) => ({ ...codec.read(bytes), value: value! }))
      .filter(row => (bitsOf(row.source) + bitsOf(row.destination)).slice(0, row.length) === key.slice(0, row.length))
      .sort((a, b) => b.length - a.length)[0]
    const value = found && codecs.egress.read(found.value)
    if (value !== undefined && value.action !== 5) return `${value.action} ${hex(value.address)}`
  }
  if (!(leaving.masquerades & (family === 4 ? 1 : 2))) return 'as it is'
  const prefix = family === 4 ? codecs.prefix4 : codecs.prefix6
  const isUnmasked = of(`weir_unmasked${family}`).some(({ key }) => {
    const { length, address } = prefix.read(key)
    return bitsOf(address).slice(0, length) === bitsOf(bytesOf(destination)).slice(0, length)
  })
  if (isUnmasked) return 'as it is'
  const device = of('weir_masquerade')[0]
  if (device === undefined) return 'as it is'
  const { ipv4, ipv6 } = codecs.masquerade.read(device.value!)
  return `masked by ${hex(family === 4 ? ipv4 : ipv6)}`
}

const flows = sources.flatMap(source =>
  destinations.filter(to => isSix(to) === isSix(source)).map(to => [source, to] as const),
)
const fates = (maps: Maps): readonly string[] => flows.map(([source, to]) => fate(maps, source, to))

/** Makes the writes one by one; each flow must fare as before all or as after all. */
function expectLawful(there: ReadonlyMap<string, MapWrite>, writes: readonly MapWrite[]): Maps {
  const maps = new Map(there)
  const before = fates(maps)
  const end = new Map(there)
  for (const write of writes) apply(end, write)
  const after = fates(end)
  for (const [index, write] of writes.entries()) {
    apply(maps, write)
    for (const [at, found] of fates(maps).entries())
      expect([before[at], after[at]], `${flows[at]!.join(' → ')} after write ${index + 1}`).to.include(found)
  }
  return maps
}

function apply(maps: Maps, write: MapWrite): void {
  if (write.value === undefined) maps.delete(nameOf(write))
  else maps.set(nameOf(write), write)
}

describe('law: no third way out', function () {
  this.timeout(60_000)

  it('while the maps go from some tables to others, each packet leaves as either says', () => {
    fc.assert(
      fc.property(tables, tables, (a, b) => {
        const there = entriesOf(a)
        const wanted = entriesOf(b)
        const maps = expectLawful(there, planned(there, differences(there, wanted)))
        expect(maps).to.deep.equal(new Map(wanted))
      }),
      sampling('ways out, write by write', 400),
    )
  })

  it('would notice writes in another order', () => {
    const naive = fc.check(
      fc.property(tables, tables, (a, b) => {
        const there = entriesOf(a)
        expectLawful(there, [...planned(there, differences(there, entriesOf(b)))].reverse())
      }),
      { numRuns: 300, endOnFailure: true },
    )
    expect(naive.failed).to.equal(true)
  })
})
