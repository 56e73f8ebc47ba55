import { isIP } from 'node:net'
import { type Engine, type FrontendRow, objectKey, type ServiceFact, WeirError } from '@weir/core'
import { parseAddress } from '@weir/core/address/address.js'
import { addressText } from '@weir/core/input/address.js'
import { nearestWord } from '@weir/core/input/nearest.js'
import { invalidWord } from './invalid-word.js'
import { isEntity, podsNamed } from './members.js'
import { ownAddresses } from './places.js'
import { isSelector } from './selector-word.js'
import type { Target } from './target.js'

/** What a destination means that is a service, or an address that stands for one. */
export type AskedService =
  | { readonly kind: 'service'; readonly service: ServiceFact; readonly target: Target }
  /** An address, or all of this node's, with what is there. */
  | {
      readonly kind: 'address'
      readonly addresses: readonly string[]
      readonly target: Target
      readonly rows: readonly FrontendRow[]
      /** Those whose own address it is, whichever port is asked for. */
      readonly owners: readonly ServiceFact[]
    }

/**
 * The service that a destination means; undefined when it means somebody else. Pods and workloads come first where a
 * service has the same name; `svc/NAME`, `NS/svc/NAME` and `NAME.NS.svc` mean services alone.
 *
 * @throws WeirError WEIR_NOT_FOUND when only a service can be meant and there is none; WEIR_REQUEST_INVALID when it is one
 *   of several
 */
export function findService(engine: Engine, target: Target): AskedService | undefined {
  const { place } = target
  if (isIP(place) !== 0) return atAddress(engine, [addressText(parseAddress(place)!)], target)
  if (place === 'host')
    return target.port === undefined ? undefined : atAddress(engine, ownAddresses(engine.state), target)
  const named = explicitName(place)
  if (named !== undefined) return { kind: 'service', service: serviceNamed(engine, named), target }
  if (isEntity(place) || place.startsWith('reserved:') || isSelector(place)) return undefined
  if (podsNamed(engine.state, place).length > 0) return undefined
  const [service] = servicesCalled(engine, place)
  return service === undefined ? undefined : { kind: 'service', service: serviceNamed(engine, place), target }
}

/** The service that has the name of the pods that a word means; for a hint. */
export function namesake(engine: Engine, { place }: Target): string | undefined {
  if (isIP(place) !== 0 || isEntity(place) || isSelector(place)) return undefined
  const found = servicesCalled(engine, place)
  return found.length === 1 ? objectKey(found[0]!.namespace, found[0]!.name) : undefined
}

/** Whether a word can only mean a service: `svc/web`, `shop/svc/web`, `web.shop.svc`. */
export const isServiceWord = (place: string): boolean => explicitName(place) !== undefined

/** `[NAMESPACE/]NAME` of a word that can only mean a service. */
function explicitName(place: string): string | undefined {
  const dns = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.[a-z0-9.-]+)?$/i.exec(place)
  if (dns !== null) return `${dns[2]}/${dns[1]}`
  const parts = place.split('/')
  const at = parts.findIndex(part => /^(?:svc|services?)$/i.test(part))
  const isKind = (at === 0 && parts.length >= 2) || (at === 1 && parts.length === 3)
  return isKind && parts.length <= 3 ? parts.filter((_, index) => index !== at).join('/') : undefined
}

function servicesCalled({ state }: Engine, word: string): readonly ServiceFact[] {
  const exact = state.services.get(word)
  if (exact !== undefined) return [exact.fact]
  return word.includes('/')
    ? []
    : [...state.services.values()].map(({ fact }) => fact).filter(({ name }) => name === word)
}

function serviceNamed(engine: Engine, word: string): ServiceFact {
  const found = servicesCalled(engine, word)
  const full = ({ namespace, name }: ServiceFact): string => objectKey(namespace, name)
  if (found.length > 1) {
    const expected = found.slice(0, 5).map(full).join(', ')
    throw invalidWord('to', `more than one service goes by this name: ${word}`, word, expected)
  }
  if (found[0] !== undefined) return found[0]
  const all = [...engine.state.services.values()].map(({ fact }) => fact)
  const tail = word.slice(word.indexOf('/') + 1)
  const nearest = nearestWord(tail, [...new Set(all.map(({ name }) => name))])
  const near = all.filter(({ name }) => name === nearest).map(full)
  throw new WeirError('WEIR_NOT_FOUND', `no service ${word}`, { kind: 'service', name: word, near: near.slice(0, 5) })
}

function atAddress(engine: Engine, addresses: readonly string[], target: Target): AskedService | undefined {
  const { state } = engine
  const { port, protocol } = target
  const there = engine.frontends().filter(row => addresses.includes(row.address))
  const owners = [...state.services.values()]
    .map(({ fact }) => fact)
    .filter(({ clusterIps, loadBalancerIps = [], externalIps = [] }) =>
      [...clusterIps, ...loadBalancerIps, ...externalIps].some(address => addresses.includes(address)),
    )
  const rows = there.filter(
    row =>
      (port === undefined || row.portName === port || row.port === Number(port)) &&
      (protocol === undefined || protocol === 'any' || row.protocol === protocol.toUpperCase()),
  )
  // Without a port the node's own addresses mean the node, and so do its ports that nothing listens to.
  const isNode = owners.length === 0
  if (isNode && (port === undefined || rows.length === 0)) return undefined
  return { kind: 'address', addresses, target, rows, owners }
}
