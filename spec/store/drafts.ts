import type { EventDraft, WeirEvent } from '@weir/core/event/event.js'
import type { EventLog } from '@weir/store'
import fc from 'fast-check'

/** A small, distinct event. */
export function draft(number: number): EventDraft {
  return { kind: 'time.passed', until: number, time: 1_700_000_000_000 + number, source: 'test' }
}

export const draftsOf = (count: number, from = 1): EventDraft[] =>
  Array.from({ length: count }, (_, i) => draft(from + i))

export async function readAll(log: EventLog, range: { from?: number; to?: number } = {}): Promise<WeirEvent[]> {
  const events: WeirEvent[] = []
  for await (const batch of log.read(range)) events.push(...batch)
  return events
}

const word = fc.string({ unit: 'grapheme', maxLength: 12 })
// Assigning to `__proto__` on the decoding side sets no property; no label or field can have that name.
const name = word.filter(text => text !== '__proto__')
const labels = fc.dictionary(name, word, { maxKeys: 5, noNullPrototype: true })
const protocol = fc.constantFrom('TCP', 'UDP', 'SCTP')
const port = fc.integer({ min: 1, max: 65535 })
const requirement = fc.record({
  key: word,
  operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist'),
  values: fc.array(word, { maxLength: 3 }),
})
const selector = fc.array(requirement, { maxLength: 3 })
const peer = fc.oneof(
  fc.record(
    { kind: fc.constant('pods'), namespaceSelector: selector, podSelector: selector },
    { requiredKeys: ['kind'], noNullPrototype: true },
  ),
  fc.record({ kind: fc.constant('ipBlock'), cidr: word, except: fc.array(word, { maxLength: 2 }) }),
)
const rule = fc.record({
  peers: fc.array(peer, { maxLength: 3 }),
  ports: fc.array(
    fc.record(
      { protocol, port: fc.oneof(port, word), endPort: port },
      { requiredKeys: ['protocol'], noNullPrototype: true },
    ),
    { maxLength: 3 },
  ),
})

const body = fc.oneof(
  fc.record({
    kind: fc.constant('pod.upserted'),
    pod: fc.record(
      {
        namespace: word,
        name: word,
        labels,
        serviceAccount: word,
        node: word,
        addresses: fc.array(word, { maxLength: 2 }),
        hostNetwork: fc.boolean(),
        ports: fc.array(fc.record({ name: word, protocol, port }), { maxLength: 3 }),
        workload: word,
      },
      {
        requiredKeys: ['namespace', 'name', 'labels', 'serviceAccount', 'node', 'addresses', 'hostNetwork', 'ports'],
        noNullPrototype: true,
      },
    ),
  }),
  fc.record({ kind: fc.constant('pod.deleted'), namespace: word, name: word }),
  fc.record({ kind: fc.constant('namespace.upserted'), namespace: fc.record({ name: word, labels }) }),
  fc.record({
    kind: fc.constant('networkpolicy.upserted'),
    policy: fc.record({
      namespace: word,
      name: word,
      podSelector: selector,
      policyTypes: fc.subarray(['ingress', 'egress']),
      ingress: fc.array(rule, { maxLength: 3 }),
      egress: fc.array(rule, { maxLength: 3 }),
    }),
  }),
  fc.record({
    kind: fc.constant('agent.configured'),
    agent: fc.record({ node: word, cluster: word, labelFilter: fc.array(word, { maxLength: 2 }) }),
  }),
  fc.record({ kind: fc.constant('time.passed'), until: fc.integer() }),
  // A fact of a shape that no list knows.
  fc.record({
    kind: fc.constant('pod.upserted'),
    pod: fc.dictionary(name, fc.oneof(word, labels), { noNullPrototype: true }),
  }),
)

/** Any draft: every shape of a record, optional fields present and absent, fields in another order, unknown ones. */
export const anyDraft: fc.Arbitrary<EventDraft> = fc
  .record({ body, time: fc.nat(), source: word, envelopeFirst: fc.boolean() })
  .map(({ body, time, source, envelopeFirst }) =>
    envelopeFirst ? { time, source, ...body } : { ...body, time, source },
  ) as unknown as fc.Arbitrary<EventDraft>
