import { isIP } from 'node:net'
import {
  type ClusterState,
  type Engine,
  type NamedPort,
  type PodFact,
  type Rule,
  type Supposed,
  WeirError,
} from '@weir/core'
import { containsPrefix, parseAddress, parsePrefix, type Prefix, prefixText } from '@weir/core/address/address.js'
import { NamedPrefixes, nodesOf, type Resident, residentOf, worldLabels } from '@weir/core/compare/residents.js'
import { placeKeys } from '@weir/core/identity/node-labels.js'
import { nearestWord } from '@weir/core/input/nearest.js'
import type { PeerSelector } from '@weir/core/policy/rule.js'
import { usableAddresses } from '@weir/core/service/usable-addresses.js'
import { invalidWord } from './invalid-word.js'
import { familyOf, findPlace, type Place } from './places.js'
import { isSelector, parseSelector } from './selector-word.js'
import { podsMeeting, supposedPods } from './supposed-pods.js'

/** One of those whom a word means. */
export interface Member {
  /** `shop/web-0`, `host`, a prefix, a selector of pods that aren't there. */
  readonly name: string
  /** Who he is in each family that he has. */
  readonly ends: Readonly<Partial<Record<4 | 6, string | Supposed>>>
  readonly ports: readonly NamedPort[]
  /** True for pods that aren't there: any port may have any name. */
  readonly isSupposed: boolean
  /** Members with one key are alike to every rule. */
  readonly alike: string
}

/** Whom a word of a question means. */
export interface Meant {
  readonly name: string
  readonly members: readonly Member[]
}

const entities = [
  'all',
  'cluster',
  'health',
  'host',
  'ingress',
  'init',
  'kube-apiserver',
  'remote-node',
  'unmanaged',
  'world',
  'world-ipv4',
  'world-ipv6',
] as const
type Entity = (typeof entities)[number]

export const isEntity = (word: string): word is Entity => (entities as readonly string[]).includes(word)

/** Kinds of workloads, as kubectl shortens them. */
const workloadKinds: Readonly<Record<string, string>> = {
  deploy: 'deployment',
  ds: 'daemonset',
  sts: 'statefulset',
  rs: 'replicaset',
  job: 'job',
  cj: 'cronjob',
}

/** What rules ask of peers and subjects. */
interface AskedByRules {
  readonly peers: readonly PeerSelector[]
  readonly prefixes: NamedPrefixes
  /** Label keys that selectors of rules name. */
  readonly keys: ReadonlySet<string>
}

function askedBy(rules: readonly Rule[]): AskedByRules {
  const peers = rules.flatMap(rule => (rule.peers === 'any' ? [] : rule.peers))
  const selectors = [
    ...rules.map(({ subject }) => subject),
    ...peers.map(peer => (peer.kind === 'labels' ? peer.selector : [])),
  ]
  const keys = new Set(selectors.flatMap(selector => selector.map(({ key }) => key)))
  return { peers, prefixes: new NamedPrefixes(peers), keys }
}

/** Finds members for words of one question about one state. */
export class MemberFinder {
  readonly #state: ClusterState
  readonly #engine: Pick<Engine, 'state' | 'rules'>
  #asked: AskedByRules | undefined

  constructor(engine: Pick<Engine, 'state' | 'rules'>) {
    this.#state = engine.state
    this.#engine = engine
  }

  /**
   * Whom a word means: a pod or a workload by name, an entity, a label selector, an address or a block of addresses.
   *
   * @throws WeirError WEIR_NOT_FOUND with names that come close; WEIR_REQUEST_INVALID
   */
  find(word: string): Meant {
    if (isIP(word) !== 0) return { name: word, members: [this.#placed(findPlace(this.#state, word))] }
    if (word.includes('/') && /^[\da-fA-F:.]+\/\d+$/.test(word)) return this.#block(word)
    const entity = word.startsWith('reserved:') ? word.slice('reserved:'.length) : word
    if (isEntity(entity)) return { name: entity, members: this.#entity(entity) }
    if (word.startsWith('reserved:')) throw unknown(entity, entities)
    if (isSelector(word)) return this.#selector(word)
    return this.#named(word)
  }

  /** All rules are gone through once, and only for a word that takes it. */
  get #rules(): AskedByRules {
    this.#asked ??= askedBy([...this.#engine.rules()])
    return this.#asked
  }

  #named(word: string): Meant {
    const pods = podsNamed(this.#state, word)
    if (pods.length === 0) {
      const names = [...this.#state.pods.values()].flatMap(({ fact }) => [fullName(fact), workloadOf(fact)])
      throw unknown(word, [...new Set([...names, ...entities])])
    }
    const namespaces = new Set(pods.map(({ namespace }) => namespace))
    const workloads = new Set(pods.map(pod => workloadOf(pod)))
    if (namespaces.size > 1 || (workloads.size > 1 && pods.length > 1)) {
      const names = [...new Set(pods.map(pod => (workloads.size > 1 ? workloadOf(pod) : fullName(pod))))]
      const message = `more than one pod or workload goes by this name: ${word}`
      throw invalidWord('', message, word, names.slice(0, 5).join(', '))
    }
    const name = pods.length === 1 ? fullName(pods[0]!) : workloadOf(pods[0]!)
    return { name, members: pods.map(pod => this.#pod(pod)) }
  }

  #selector(word: string): Meant {
    const selector = parseSelector(word)
    const pods = podsMeeting(this.#state, selector)
    if (pods.length > 0) return { name: word, members: pods.map(pod => this.#pod(pod)) }
    return {
      name: word,
      members: supposedPods(this.#state, selector).map(supposed => ({
        name: supposed.name,
        ends: { 4: supposed, 6: { ...supposed, within: parsePrefix('::/0')! } },
        ports: [],
        isSupposed: true,
        alike: supposed.name,
      })),
    }
  }

  /** Everybody with an address in a block: pods and nodes, and what is outside, by the prefixes that rules name. */
  #block(word: string): Meant {
    const block = parsePrefix(word)
    if (block === undefined) throw invalidWord('', `no block of addresses: ${word}`, word, '10.0.0.0/8 or fd00::/8')
    const text = prefixText(block)
    const isInside = (address: string): boolean => {
      const parsed = parseAddress(address)
      return parsed !== undefined && containsPrefix(block, parsed)
    }
    const owned = new Map<string, Member>()
    for (const { fact } of this.#state.pods.values())
      if (!fact.hostNetwork && fact.addresses.some(isInside)) owned.set(fullName(fact), this.#pod(fact, isInside))
    for (const [name, addresses] of nodesOf(this.#state))
      if (addresses.some(isInside)) owned.set(`node ${name}`, this.#node(name, addresses.filter(isInside)))
    const named = new NamedPrefixes([...this.#rules.peers, { kind: 'cidr', cidr: text, except: [], scope: 'any' }])
    const outside = named
      .withRest([])
      .filter(prefix => containsPrefix(block, prefix))
      .sort(narrowerFirst)
      .map(
        (within): Member => ({
          name: prefixText(within),
          ends: { [within.family]: this.#stranger(within) },
          ports: [],
          isSupposed: false,
          alike: prefixText(within),
        }),
      )
    return { name: text, members: [...outside, ...owned.values()] }
  }

  #stranger(within: Prefix): Supposed {
    const labels = worldLabels(within.family)
    return { kind: 'world', name: prefixText(within), labels, ports: new Map(), within }
  }

  #entity(entity: Entity): readonly Member[] {
    const nodes = [...nodesOf(this.#state)].filter(([name, addresses]) => name !== '' && addresses.length > 0)
    const own = this.#state.agent?.fact.node
    switch (entity) {
      case 'world':
      case 'world-ipv4':
      case 'world-ipv6': {
        const owned = new Set([...nodesOf(this.#state).values()].flat())
        const isNamed = (address: string): boolean =>
          owned.has(address) || this.#rules.prefixes.around(parseAddress(address)!).length > 0
        const { addresses } = findPlace(this.#state, 'world', isNamed)
        const family = entity === 'world' ? undefined : entity === 'world-ipv4' ? 4 : 6
        const asked = addresses.filter(address => family === undefined || familyOf(address) === family)
        return [this.#placed({ name: entity, addresses: asked })]
      }
      case 'host': {
        const here = nodes.filter(([name]) => name === own)
        return here.length > 0
          ? here.map(([, addresses]) => this.#placed({ name: 'host', addresses }))
          : [this.#reserved('host', [placeKeys.node])]
      }
      case 'remote-node': {
        const others = nodes.filter(([name]) => name !== own)
        return others.length > 0
          ? others.map(([name, addresses]) => this.#node(name, addresses))
          : [this.#reserved('remote-node', [placeKeys.node])]
      }
      case 'kube-apiserver':
        return [this.#apiServer()]
      case 'cluster':
        return [...this.#pods(), ...this.#entity('host'), ...this.#entity('remote-node')]
      case 'all':
        return [...this.#entity('cluster'), ...this.#entity('world')]
      case 'health':
      case 'ingress':
      case 'init':
      case 'unmanaged':
        return [this.#reserved(entity, [])]
    }
  }

  #apiServer(): Member {
    const slices = [...this.#state.endpointSlices.values()].map(({ fact }) => fact)
    const addresses = slices
      .filter(({ namespace, service }) => namespace === 'default' && service === 'kubernetes')
      .flatMap(usableAddresses)
    if (addresses.length > 0) return this.#placed({ name: 'kube-apiserver', addresses })
    const message = "the API server's addresses aren't known: there is no EndpointSlice of default/kubernetes"
    throw new WeirError('WEIR_NOT_FOUND', message, { kind: 'entity', name: 'kube-apiserver', near: [] })
  }

  /** Somebody whom rules know by a reserved label and who has no address of his own. */
  #reserved(entity: Entity, more: readonly string[]): Member {
    const labels = new Map([`reserved:${entity}`, ...more].map(key => [key, '']))
    const end = (within: Prefix): Supposed => ({ kind: 'node', name: entity, labels, ports: new Map(), within })
    return {
      name: entity,
      ends: { 4: end(parsePrefix('0.0.0.0/0')!), 6: end(parsePrefix('::/0')!) },
      ports: [],
      isSupposed: false,
      alike: entity,
    }
  }

  #pods(): Member[] {
    return [...this.#state.pods.values()].filter(({ fact }) => !fact.hostNetwork).map(({ fact }) => this.#pod(fact))
  }

  #node(name: string, addresses: readonly string[]): Member {
    return this.#placed({ name: name === this.#state.agent?.fact.node ? 'host' : `node ${name}`, addresses })
  }

  /** @param isMeant says which of its addresses are meant; a pod without any is judged by what is known of it */
  #pod(pod: PodFact, isMeant: (address: string) => boolean = () => true): Member {
    const name = fullName(pod)
    if (pod.hostNetwork) {
      const addresses = nodesOf(this.#state).get(pod.node) ?? pod.addresses
      return this.#placed({ name, addresses, pod })
    }
    const addresses = pod.addresses.filter(isMeant)
    const resident = residentOf(this.#state, name)!
    const alike = (): string => this.#alikeness(resident, addresses)
    if (addresses.length > 0) return this.#placed({ name, addresses, pod }, alike)
    const end = (family: 4 | 6): Supposed => ({
      kind: 'pod',
      name,
      labels: resident.labels,
      ports: resident.ports,
      within: this.#rules.prefixes.unknown(family),
      ...(resident.host !== '' && { node: resident.host }),
    })
    return member({ name, ends: { 4: end(4), 6: end(6) }, ports: pod.ports, isSupposed: false }, alike)
  }

  /** All that rules can tell of a pod. */
  #alikeness({ labels, pod, host }: Resident, addresses: readonly string[]): string {
    const { keys, prefixes } = this.#rules
    const asked = [...labels].filter(([key]) => keys.has(key)).sort(([a], [b]) => (a < b ? -1 : 1))
    const around = addresses.map(address => prefixText(prefixes.around(parseAddress(address)!)))
    return JSON.stringify([asked, pod.ports, around, host])
  }

  #placed({ name, addresses, pod }: Place, alike: () => string = () => name): Member {
    const first = (family: 4 | 6): string | undefined => addresses.find(address => familyOf(address) === family)
    const [four, six] = [first(4), first(6)]
    const ends = { ...(four !== undefined && { 4: four }), ...(six !== undefined && { 6: six }) }
    return member({ name, ends, ports: pod?.ports ?? [], isSupposed: false }, alike)
  }
}

/** A member who says only to whom asks what he has in common with others. */
const member = (known: Omit<Member, 'alike'>, alike: () => string): Member => ({
  ...known,
  get alike() {
    return alike()
  },
})

const fullName = ({ namespace, name }: PodFact): string => `${namespace}/${name}`

/** `namespace/workload`; the pod itself when it stands alone. */
const workloadOf = ({ namespace, name, workload }: PodFact): string =>
  `${namespace}/${workload === undefined ? name : workload.slice(workload.indexOf('/') + 1)}`

/** All words, in lower case, that can mean a pod by its name or its workload's. */
export function wordsFor({ namespace, name, workload }: PodFact): readonly string[] {
  const [kind = '', owner = ''] = workload?.split('/') ?? []
  const short = Object.entries(workloadKinds).flatMap(([word, of]) => (of === kind.toLowerCase() ? [word] : []))
  const own = [name, `pod/${name}`]
  const ofOwner = workload === undefined ? [] : [owner, ...[kind, ...short].map(each => `${each}/${owner}`)]
  return [...own, ...ofOwner].flatMap(word => [word, `${namespace}/${word}`]).map(word => word.toLowerCase())
}

/** Pods by `[NAMESPACE/][KIND/]NAME`: the pod of this name before the pods of a workload of this name. */
export function podsNamed(state: Pick<ClusterState, 'pods'>, word: string): readonly PodFact[] {
  const exact = state.pods.get(word)
  if (exact !== undefined) return [exact.fact]
  const pods = [...state.pods.values()].map(({ fact }) => fact)
  const parts = word.split('/')
  const kindOf = (part: string): string => workloadKinds[part.toLowerCase()] ?? part.toLowerCase()
  const isOf = (pod: PodFact, kind: string, name: string): boolean =>
    kind === 'pod' ? pod.name === name : pod.workload?.toLowerCase() === `${kind}/${name.toLowerCase()}`
  if (parts.length === 3) {
    const [namespace, kind, name] = parts as [string, string, string]
    return pods.filter(pod => pod.namespace === namespace && isOf(pod, kindOf(kind), name))
  }
  const [first, second] = parts.length === 2 ? (parts as [string, string]) : [undefined, word]
  const place = first === undefined ? pods : pods.filter(({ namespace }) => namespace === first)
  const byName = place.filter(({ name }) => name === second)
  if (byName.length > 0) return byName
  const byWorkload = place.filter(({ workload }) => workload?.split('/')[1] === second)
  if (byWorkload.length > 0 || first === undefined) return byWorkload
  return pods.filter(pod => isOf(pod, kindOf(first), second))
}

function unknown(word: string, known: readonly string[]): WeirError<'WEIR_NOT_FOUND'> {
  const isShort = !word.includes('/')
  const tail = (name: string): string => (isShort ? name.slice(name.indexOf('/') + 1) : name)
  const nearest = nearestWord(word, known.map(tail))
  const start = (name: string): number => {
    let at = 0
    while (at < word.length && tail(name)[at] === word[at]) at += 1
    return at
  }
  const near = [
    ...known.filter(name => tail(name) === nearest),
    ...[...known].filter(name => start(name) >= 3).sort((a, b) => start(b) - start(a)),
  ]
  const message = `no pod, workload or entity ${word}`
  return new WeirError('WEIR_NOT_FOUND', message, { kind: 'pod', name: word, near: [...new Set(near)].slice(0, 5) })
}

/** One block speaks for those that are judged alike: the same in each log that says the same, in whatever order it does. */
const narrowerFirst = (a: Prefix, b: Prefix): number => b.length - a.length || (prefixText(a) < prefixText(b) ? -1 : 1)
