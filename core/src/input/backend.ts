import { right } from 'fp-ts/lib/Either.js'
import type { BackendFact, BackendTarget } from '../event/service.js'
import { address, addressText } from './address.js'
import { dnsLabel, dnsSubdomain } from './names.js'
import { portNumber, portProtocol } from './port.js'
import { type Parsed, refuse } from './problem.js'
import { andThen, integer, oneOf, optional, type Reader, record, text } from './reader.js'

const targetRule = 'such as 10.0.0.1:8080/TCP, [fd00::1]:8080/UDP or pod/shop/web-0'

const socket = record({ address, port: portNumber, protocol: portProtocol })
const pod = record({ namespace: dnsLabel, name: dnsSubdomain })

/** A backend in one word: its socket, or the pod behind it. Without a protocol TCP is meant. */
const target: Reader<BackendTarget> = andThen(text, (word, path): Parsed<BackendTarget> => {
  const [, namespace, name] = /^pod\/([^/]+)\/([^/]+)$/.exec(word) ?? []
  if (namespace !== undefined && name !== undefined)
    return andThen(pod, found => right({ kind: 'pod' as const, ...found }))({ namespace, name }, path)
  const [, six, four, port, protocol] = /^(?:\[([^\]]+)\]|([^[\]:]+)):(\d{1,5})(?:\/(\w+))?$/.exec(word) ?? []
  if (port === undefined) return refuse(path, 'this names no backend', word, targetRule)
  const parts = { address: six ?? four, port: Number(port), protocol: protocol?.toUpperCase() ?? 'TCP' }
  return andThen(socket, found => right({ kind: 'address' as const, ...found, address: addressText(found.address) }))(
    parts,
    path,
  )
})

const weightMost = 65_535

const backend = record({
  target,
  state: oneOf(['active', 'quarantined', 'maintenance']),
  weight: optional(integer(0, weightMost), undefined),
})

/**
 * What somebody says of a backend: `{ target, state, weight }`, the target in one word. A weight belongs to a state in
 * which it counts.
 */
export const parseBackend = (raw: unknown): Parsed<BackendFact> =>
  andThen(backend, ({ target, state, weight }): Parsed<BackendFact> => {
    if (weight !== undefined && state !== 'active')
      return refuse('weight', `a backend in ${state} takes no new connections`, weight, 'state active, or no weight')
    return right({ target, state, ...(weight === undefined ? {} : { weight }) })
  })(raw, '')
