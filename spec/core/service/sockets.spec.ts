import { Sockets } from '@weir/core/service/sockets.js'
import type { BackendRow } from '@weir/core/tables/service-rows.js'
import { expect } from 'chai'
import fc from 'fast-check'

const protocols = ['TCP', 'UDP', 'SCTP'] as const

/** Few enough that sockets come again, enough that some hash to neighbouring slots. */
const socket = fc.record({
  address: fc.oneof(
    fc.nat(40).map(last => `10.0.${last % 3}.${last}`),
    fc.nat(20).map(last => `fd00::${last.toString(16)}`),
  ),
  port: fc.constantFrom(1, 80, 8080, 65_535),
  protocol: fc.constantFrom(...protocols),
})

const textOf = ({ address, port, protocol }: Pick<BackendRow, 'address' | 'port' | 'protocol'>): string =>
  `${address} ${port} ${protocol}`

describe('sockets', () => {
  it('are found while they are there, and nobody else is, however many come and go', () => {
    fc.assert(
      fc.property(
        fc.array(socket, { minLength: 100, maxLength: 300 }),
        fc.array(fc.nat(5), { minLength: 1 }),
        (sockets, turns) => {
          const rows = new Map<number, BackendRow>()
          const numbers = new Map<string, number>()
          const table = new Sockets(rows)
          let next = 1
          for (const [index, at] of sockets.entries()) {
            const text = textOf(at)
            const number = numbers.get(text)
            if (table.find(at.address, at.port, at.protocol) !== (number ?? 0)) expect.fail(`${text} is ${number ?? 0}`)
            if (number === undefined) {
              const row: BackendRow = { backend: next++, ...at, local: false, state: 'active', zone: '' }
              rows.set(row.backend, row)
              numbers.set(text, row.backend)
              table.add(row)
            } else if (turns[index % turns.length]! > 0) {
              table.delete(number)
              rows.delete(number)
              numbers.delete(text)
              const lost = [...rows.values()].filter(
                row => table.find(row.address, row.port, row.protocol) !== row.backend,
              )
              expect(lost).deep.equals([])
            }
          }
        },
      ),
    )
  })

  it('stay found where all that were before them on the way to them are gone', () => {
    const rows = new Map<number, BackendRow>()
    const table = new Sockets(rows)
    const rowOf = (backend: number): BackendRow => ({
      backend,
      address: `10.${backend >> 16}.${(backend >> 8) & 255}.${backend & 255}`,
      port: 80,
      protocol: 'TCP',
      local: false,
      state: 'active',
      zone: '',
    })
    for (let backend = 1; backend <= 10_000; backend += 1) {
      rows.set(backend, rowOf(backend))
      table.add(rowOf(backend))
    }
    for (let backend = 1; backend <= 10_000; backend += 1) {
      if (backend % 10 === 0) continue
      table.delete(backend)
      rows.delete(backend)
    }
    for (let backend = 1; backend <= 10_000; backend += 1) {
      const { address } = rowOf(backend)
      expect(table.find(address, 80, 'TCP'), address).equals(backend % 10 === 0 ? backend : 0)
    }
  })
})
