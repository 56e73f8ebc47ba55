import {
  adopt,
  allocate,
  type AttachmentFact,
  type ClusterState,
  type EndpointFact,
  isElsewhere,
  objectKey,
  type Pool,
  poolOf,
  release,
  WeirError,
} from '@weir/core'
import { attachmentKey } from '@weir/core/state/state.js'
import { interfacesIn, NetnsError } from 'netns-napi'
import type { Clock } from '../agent/clock.js'
import type { Facts, Submitted } from '../agent/intake.js'
import { cniCodes, CniError } from './cni-error.js'
import {
  closeHostSide,
  configurePodSide,
  differencesOf,
  isOurs,
  makeInterface,
  namesFor,
  openHostSide,
  removeInterface,
} from './interface.js'
import { Locks } from './locks.js'
import {
  type CniCall,
  type CniRequest,
  type CniTarget,
  type JsonObject,
  mtuBounds,
  readCall,
  versionIn,
} from './request.js'
import { addressesIn, resultOf } from './result.js'
import { addressesBehind } from './routes-of.js'
import { rememberedAttachments, resultsFolder } from './runtime-results.js'
import { nodeSettings, podSettings, Settings } from './settings.js'
import { Strays } from './strays.js'
import { cniVersions } from './versions.js'

/** How pods are plugged in. */
export interface CniOptions {
  /** Blocks that pods get addresses from, where the Node object has none. */
  readonly podCidrs?: readonly string[]
  /** Of pods' interfaces; what fits on the ways out of the node when absent. */
  readonly mtuBytes?: number
  /** How long an address that was given back isn't given again; a minute when absent. */
  readonly cooldownMs?: number
  /** Where runtimes keep what plugins answered; /var/lib/cni/results when absent. */
  readonly resultsFolder?: string
  /** How long ADD waits for the Pod object; two seconds when absent, not at all where no source could tell of it. */
  readonly podWaitMs?: number
}

/** What of the agent the plugin needs. */
export interface CniHost {
  readonly clock: Clock
  /** File of the namespace that has the node's sides. */
  readonly netns: string
  readonly hasSources: boolean
  state(): ClusterState
  submit(origin: string, facts: Facts): Promise<Submitted>
  /** Whether a pod or a node has an address. */
  isTaken(address: string): boolean
  /** Whether an interface has the programs. */
  isJudged(ifindex: number): boolean
  /** The largest packet that fits on every way out of the node, tunnels among them; undefined where nothing tells. */
  fittingBytes(): number | undefined
  /** Calls back after each batch of events. Returns how to stop it. */
  onApplied(callback: () => void): () => void
  /** Why nothing new can be taken; undefined when all is well. */
  readonly trouble: string | undefined
  readonly report: (message: string) => void
}

/** What the plugin prints, and whether it failed. */
export interface CniAnswer {
  readonly failed: boolean
  readonly output: string
}

const defaults = { mtuBytes: 1500, cooldownMs: 60_000, podWaitMs: 2000 } as const
const origin = 'cni'

/**
 * The agent's side of the CNI plugin: gives containers their interface and address, and takes both away. An address is
 * durable before the interface is made; the interface is judged before either side of it is up.
 */
export class CniPlugin {
  readonly #options: CniOptions
  readonly #host: CniHost
  readonly #settings: Settings
  readonly #strays: Strays
  /** One thing at a time for one interface; as many interfaces at once as there are. */
  readonly #locks = new Locks()
  /** Addresses behind devices that belong to no container that is known. */
  readonly #left = new Set<string>()

  constructor(options: CniOptions, host: CniHost) {
    this.#options = options
    this.#host = host
    this.#settings = new Settings(host.report)
    this.#strays = new Strays({
      ...{ host, locks: this.#locks, endpointOf: fact => this.#endpointOf(fact) },
      nodeAddresses: () => this.#nodeAddresses(),
    })
  }

  /** Does what a runtime asks for; what can't be done is told in the form of the configuration's version. */
  async call(call: CniCall): Promise<CniAnswer> {
    try {
      const answer = await this.#answer(readCall(call))
      return { failed: false, output: answer === undefined ? '' : `${JSON.stringify(answer)}\n` }
    } catch (error) {
      const { code, message, details } = cniErrorOf(error)
      const told = { cniVersion: versionIn(call.config), code, msg: message, ...(details !== '' && { details }) }
      return { failed: true, output: `${JSON.stringify(told)}\n` }
    }
  }

  /**
   * Brings interfaces and log together after the agent was away: what was begun and not finished is undone, what was
   * finished stays. Nobody else may call meanwhile.
   */
  async recover(): Promise<void> {
    const { netns } = this.#host
    const own = new Map(
      interfacesIn(netns)
        .filter(({ name }) => isOurs(name))
        .map(link => [link.name, link]),
    )
    for (const { fact } of [...this.#host.state().attachments.values()]) {
      const link = own.get(fact.device)
      own.delete(fact.device)
      const endpoint = this.#endpointOf(fact)
      if (link?.up === true && endpoint?.ifindex === link.ifindex)
        await openHostSide(netns, fact, endpoint, this.#nodeAddresses())
      else {
        this.#host.report(`interface ${fact.ifname} of container ${fact.container} was not finished: it is taken away`)
        await this.#undo(fact)
      }
    }
    this.#host.onApplied(() => this.#strays.look())
    this.#strays.look()
    const remembered = await rememberedAttachments(this.#options.resultsFolder ?? resultsFolder)
    for (const [name, { ifindex }] of own) {
      const attachment = remembered.get(name)
      if (attachment !== undefined) await this.#adopt(attachment, ifindex)
      else {
        // No interface is made before the log knows of it: this one is older than the log, and its pod may run.
        for (const address of await addressesBehind(netns, name)) this.#left.add(address)
        this.#host.report(`device ${name} belongs to no container that is known: it is left as it is`)
      }
    }
  }

  /** Takes over an interface that was made before the log began. */
  async #adopt(attachment: AttachmentFact, ifindex: number): Promise<void> {
    const { container, ifname, namespace, pod, device } = attachment
    const { hostMac, podMac } = namesFor(container, ifname)
    const endpoint: EndpointFact = { namespace, pod, ifindex, ifname: device, hostMac, podMac }
    await this.#host.submit(origin, state => {
      const bodies = adopt(state, attachment)
      return bodies.length === 0 ? [] : [...bodies, { kind: 'endpoint.attached', endpoint }]
    })
    await openHostSide(this.#host.netns, attachment, endpoint, this.#nodeAddresses())
    this.#host.report(`interface ${ifname} of ${namespace}/${pod} was made before this log began: it is taken over`)
  }

  /** The blocks that pods get addresses from now. */
  pools(): readonly Pool[] {
    return poolsOf(this.#host.state(), this.#options.podCidrs)
  }

  async #answer(request: CniRequest): Promise<JsonObject | undefined> {
    const { command, target } = request
    switch (command) {
      case 'VERSION':
        return { cniVersion: request.version, supportedVersions: cniVersions }
      case 'STATUS':
        this.#checkStatus()
        return undefined
      case 'GC':
        await this.#collect(request)
        return undefined
      case 'ADD':
        return this.#locks.run(keyOf(target), () => this.#add(request))
      case 'DEL':
        await this.#locks.run(keyOf(target), () => this.#remove(target))
        return undefined
      case 'CHECK':
        await this.#locks.run(keyOf(target), async () => this.#check(request))
        return undefined
    }
  }

  #checkStatus(): void {
    const { trouble } = this.#host
    if (trouble !== undefined) throw new CniError(cniCodes.notAvailable, 'weir takes no new pods', trouble)
    if (this.pools().length === 0)
      throw new CniError(cniCodes.notAvailable, 'this node has no block of addresses for pods')
  }

  async #add({ version, config, target, pod }: CniRequest): Promise<JsonObject> {
    const { netns } = this.#host
    await this.#waitForPod(pod)
    this.#checkAlone(target)
    const before = this.#attachmentOf(target)
    // A runtime that uses a container's name again for another one means the new one.
    if (before !== undefined && !this.#isWhole(before, target)) await this.#undo(before)
    let mtuBytes = config.mtuBytes ?? this.#options.mtuBytes ?? this.#fittingBytes()
    await this.#allocate(config.name, target, pod)
    const attachment = this.#attachmentOf(target)
    if (attachment === undefined) throw new CniError(cniCodes.ioFailure, 'the address is gone')
    if (before === undefined || this.#endpointOf(attachment) === undefined) {
      try {
        await removeInterface(netns, attachment.device)
        const endpoint = await makeInterface(netns, attachment, mtuBytes)
        await this.#closeOlder(attachment)
        await this.#host.submit(origin, [{ kind: 'endpoint.attached', endpoint }])
        await this.#settings.write(attachment.netns, podSettings(attachment))
        await configurePodSide(attachment)
        await this.#settings.write(netns, nodeSettings(attachment))
        await openHostSide(netns, attachment, endpoint, this.#nodeAddresses())
      } catch (error) {
        await this.#undo(attachment).catch((failure: unknown) =>
          this.#host.report(`${attachment.device} can't be taken away: ${messageOf(failure)}`),
        )
        throw error
      }
    } else mtuBytes = interfacesIn(attachment.netns).find(({ name }) => name === target.ifname)?.mtu ?? mtuBytes
    const names = namesFor(target.container, target.ifname)
    return resultOf({ ...names, attachment, mtuBytes }, version, config.dns, config.prevResult)
  }

  /** A pod has one interface that is judged, so another one of the same container would take the judging from it. */
  #checkAlone({ container, ifname }: CniTarget): void {
    for (const { fact } of this.#host.state().attachments.values())
      if (fact.container === container && fact.ifname !== ifname)
        throw new CniError(
          cniCodes.invalidEnvironment,
          `CNI_IFNAME: container ${container} has ${fact.ifname} already`,
          'weir gives a container one interface',
        )
  }

  /**
   * Sandboxes that the pod had before lose their programs to the new one: what they send from then on would be judged by
   * nobody.
   */
  async #closeOlder({ container, namespace, pod }: AttachmentFact): Promise<void> {
    for (const { fact } of [...this.#host.state().attachments.values()])
      if (fact.namespace === namespace && fact.pod === pod && fact.container !== container)
        await closeHostSide(this.#host.netns, fact.device)
  }

  async #allocate(network: string, target: CniTarget, pod: CniRequest['pod']): Promise<void> {
    const { clock } = this.#host
    const { device } = namesFor(target.container, target.ifname)
    const given = { network, ...target, namespace: pod.namespace, pod: pod.name, device }
    await this.#host.submit(origin, state =>
      allocate(state, given, {
        pools: poolsOf(state, this.#options.podCidrs),
        isTaken: address => this.#left.has(address) || this.#host.isTaken(address),
        nowMs: clock.nowMs(),
      }),
    )
  }

  /** Whether an ADD that is asked for again finds all that it would make. */
  #isWhole(attachment: AttachmentFact, { netns }: CniTarget): boolean {
    try {
      return (
        attachment.netns === netns &&
        this.#endpointOf(attachment) !== undefined &&
        differencesOf(this.#host.netns, attachment).length === 0
      )
    } catch {
      return false
    }
  }

  async #remove(target: CniTarget): Promise<void> {
    const attachment = this.#attachmentOf(target)
    if (attachment !== undefined) await this.#undo(attachment)
    else await removeInterface(this.#host.netns, namesFor(target.container, target.ifname).device)
  }

  /** The interface goes first: as long as it is there it is judged. */
  async #undo({ container, ifname, device }: AttachmentFact): Promise<void> {
    await removeInterface(this.#host.netns, device)
    const { cooldownMs = defaults.cooldownMs } = this.#options
    await this.#host.submit(origin, state => release(state, container, ifname, this.#host.clock.nowMs() + cooldownMs))
  }

  #check({ target, config }: CniRequest): void {
    const attachment = this.#attachmentOf(target)
    if (attachment === undefined)
      throw new CniError(cniCodes.unknownContainer, `container ${target.container} has no interface ${target.ifname}`)
    const endpoint = this.#endpointOf(attachment)
    const expected = addressesIn(config.prevResult ?? {}, target.ifname)
    const wrong = [
      ...(attachment.netns === target.netns ? [] : [`the interface is in ${attachment.netns}`]),
      ...expected.filter(each => !attachment.addresses.includes(each)).map(each => `${each} belongs to another`),
      ...differencesOf(this.#host.netns, attachment),
      ...(endpoint !== undefined && this.#host.isJudged(endpoint.ifindex) ? [] : ['its traffic is not judged']),
    ]
    if (wrong.length > 0)
      throw new CniError(cniCodes.notAsItWas, 'the interface is not as it was made', wrong.join('; '))
  }

  /** Takes away what the runtime doesn't know of, as far as it is of the same network. */
  async #collect({ config }: CniRequest): Promise<void> {
    const valid = new Set((config.validAttachments ?? []).map(each => attachmentKey(each.container, each.ifname)))
    const leaked = [...this.#host.state().attachments].filter(
      ([key, { fact }]) => fact.network === config.name && !valid.has(key),
    )
    for (const [key, { fact }] of leaked) await this.#locks.run(key, () => this.#remove({ ...fact, netns: '' }))
  }

  /** Until somebody tells of the pod it is one of which nobody has told: better that it is known from its first packet. */
  async #waitForPod({ namespace, name }: CniRequest['pod']): Promise<void> {
    const { clock, hasSources } = this.#host
    const waitMs = hasSources ? (this.#options.podWaitMs ?? defaults.podWaitMs) : 0
    const isKnown = (): boolean => {
      const pod = this.#host.state().pods.get(objectKey(namespace, name))?.fact
      return pod !== undefined && pod.init !== true && !isElsewhere(pod, this.#host.state())
    }
    if (waitMs === 0 || isKnown()) return
    await new Promise<void>(resolve => {
      const done = (): void => {
        timer.stop()
        stop()
        resolve()
      }
      const timer = clock.every(waitMs, done)
      const stop = this.#host.onApplied(() => void (isKnown() && done()))
    })
  }

  /** An interface with IPv6 has to take packets of 1280 bytes. */
  #fittingBytes(): number {
    const { least, most } = mtuBounds
    return Math.min(most, Math.max(least, this.#host.fittingBytes() ?? defaults.mtuBytes))
  }

  #attachmentOf({ container, ifname }: CniTarget): AttachmentFact | undefined {
    return this.#host.state().attachments.get(attachmentKey(container, ifname))?.fact
  }

  #endpointOf({ namespace, pod, device }: AttachmentFact): EndpointFact | undefined {
    const endpoint = this.#host.state().endpoints.get(objectKey(namespace, pod))?.fact
    return endpoint?.ifname === device ? endpoint : undefined
  }

  #nodeAddresses(): readonly string[] {
    const { agent, nodes, host } = this.#host.state()
    return [...(nodes.get(agent?.fact.node ?? '')?.fact.addresses ?? []), ...(host?.fact.addresses ?? [])]
  }
}

/** The Node object's blocks, or else those that the agent was told. */
export function poolsOf(state: ClusterState, told: readonly string[] = []): readonly Pool[] {
  const own = state.nodes.get(state.agent?.fact.node ?? '')?.fact.podCidrs ?? []
  return (own.length > 0 ? own : told).flatMap(cidr => poolOf(cidr) ?? [])
}

const keyOf = ({ container, ifname }: CniTarget): string => attachmentKey(container, ifname)

function cniErrorOf(error: unknown): CniError {
  if (error instanceof CniError) return error
  if (error instanceof NetnsError) return ofKernel(error)
  if (error instanceof WeirError) {
    if (error.code === 'WEIR_ADDRESSES_EXHAUSTED')
      return new CniError(cniCodes.addressesExhausted, error.message, error.code)
    return new CniError(cniCodes.tryAgain, error.message, error.code)
  }
  return new CniError(cniCodes.tryAgain, messageOf(error))
}

function ofKernel(error: NetnsError): CniError {
  if (error.code === 'ENOENT' && error.call === 'open')
    return new CniError(cniCodes.unknownContainer, 'the network namespace is gone', error.message)
  if (error.code === 'EINVAL' || error.call === 'setns')
    return new CniError(cniCodes.invalidNetns, 'CNI_NETNS is no network namespace', error.message)
  return new CniError(cniCodes.interfaceFailed, 'the interface can’t be made', error.message)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
