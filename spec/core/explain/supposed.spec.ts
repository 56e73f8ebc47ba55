import { Engine, type EventBody, type PodFact, type Supposed } from '@weir/core'
import { parsePrefix } from '@weir/core/address/address.js'
import { residentOf } from '@weir/core/compare/residents.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { interestingAddresses, interestingPorts } from '../../oracle/generate/flows.js'
import { histories, numbered } from '../../oracle/generate/history.js'
import { mixedHistories } from '../../oracle/generate/mixed.js'
import { labelValues, namespaceNames, pick, podLabelKeys, portNames, portNumbers } from '../../oracle/generate/names.js'
import { sampling } from '../../oracle/generate/seed.js'
import { clusterOf, decide } from '../../oracle/index.js'

/** No generated rule names a prefix around this address that is longer than /0. */
const address = '172.31.77.5'

const comer: fc.Arbitrary<PodFact> = fc.record({
  namespace: pick(namespaceNames),
  name: fc.constant('comer'),
  labels: fc.dictionary(pick(podLabelKeys), pick([...labelValues, 'unlisted']), { maxKeys: 3, noNullPrototype: true }),
  serviceAccount: pick(['default', 'robot']),
  node: pick(['here', 'there', '']),
  addresses: fc.constant([address]),
  hostNetwork: fc.constant(false),
  ports: fc.array(
    fc.record({ name: pick(portNames), protocol: fc.constant('TCP' as const), port: pick(portNumbers) }),
    {
      maxLength: 2,
    },
  ),
})

describe('explain: who is supposed to be there', () => {
  for (const [dialects, batches] of [
    ['NetworkPolicy', histories(25)],
    ['every dialect', mixedHistories(25)],
  ] as const)
    it(`is judged as he is when he is there, and as the oracle says: ${dialects}`, () => {
      fc.assert(
        fc.property(batches, comer, fc.nat(1000), (given_, pod, salt) => {
          const bodies = given_.flat()
          const arrival: EventBody = { kind: 'pod.upserted', pod }
          const [without, with_] = [new Engine(), new Engine()]
          without.apply(numbered(bodies))
          with_.apply(numbered([...bodies, arrival]))
          const resident = residentOf(with_.state, `${pod.namespace}/${pod.name}`)!
          const supposed: Supposed = {
            kind: 'pod',
            name: `${pod.namespace}/${pod.name}`,
            labels: resident.labels,
            ports: resident.ports,
            within: parsePrefix(`${address}/32`)!,
            node: resident.host,
          }
          const cluster = clusterOf(numbered([...bodies, arrival]))
          const others = interestingAddresses(cluster).filter(each => !each.includes(':') && each !== address)
          const ports = interestingPorts(cluster)
          for (const [at, other] of others.entries()) {
            const { protocol, port } = ports[(salt + at) % ports.length]!
            for (const isSource of [true, false]) {
              const real = { from: isSource ? address : other, to: isSource ? other : address, protocol, port }
              const meant = with_.explain(real)
              const said = without.explain({
                ...real,
                from: isSource ? supposed : other,
                to: isSource ? other : supposed,
              })
              const told = ({ verdict, egress, ingress }: typeof said) =>
                [verdict, egress, ingress].map(each =>
                  typeof each === 'object' ? { ...each, enforcedHere: undefined } : each,
                )
              expect(told(said)).to.deep.equal(told(meant))
              expect(said.verdict === 1).to.equal(decide(cluster, real).allowed)
            }
          }
        }),
        sampling(`supposed = there, ${dialects}`, 60),
      )
    })
})
