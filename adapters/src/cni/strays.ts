import { type AttachmentFact, type EndpointFact, isElsewhere, objectKey } from '@weir/core'
import { attachmentKey } from '@weir/core/state/state.js'
import { interfacesIn } from 'netns-napi'
import { closeHostSide, namesFor, openHostSide } from './interface.js'
import type { Locks } from './locks.js'
import type { CniHost } from './plugin.js'

export interface StraysOptions {
  readonly host: CniHost
  readonly locks: Locks
  readonly endpointOf: (attachment: AttachmentFact) => EndpointFact | undefined
  readonly nodeAddresses: () => readonly string[]
}

/**
 * Interfaces of pods that are told of as another node's: a pod of the same name runs there by now, and the runtime hasn't
 * taken away the sandbox here yet. What is meant for the pod must go to that node, so the interface is closed, and only
 * then no longer the pod's. It is opened again should the pod be this node's after all.
 */
export class Strays {
  readonly #options: StraysOptions
  readonly #closed = new Set<string>()

  constructor(options: StraysOptions) {
    this.#options = options
  }

  /** To be called after each batch of events. */
  look(): void {
    const { host, locks } = this.#options
    for (const [key, { fact }] of host.state().attachments)
      if (this.#change(key, fact) !== undefined)
        locks
          .run(key, () => this.#settle(key))
          .catch((error: unknown) => host.report(`${fact.device}: ${error instanceof Error ? error.message : error}`))
  }

  #change(key: string, fact: AttachmentFact): 'close' | 'open' | undefined {
    const state = this.#options.host.state()
    const name = objectKey(fact.namespace, fact.pod)
    const pod = state.pods.get(name)?.fact
    if (pod === undefined) return undefined
    if (isElsewhere(pod, state)) return this.#options.endpointOf(fact) === undefined ? undefined : 'close'
    return this.#closed.has(key) && !state.endpoints.has(name) ? 'open' : undefined
  }

  async #settle(key: string): Promise<void> {
    const { host, nodeAddresses } = this.#options
    const fact = host.state().attachments.get(key)?.fact
    const change = fact === undefined ? undefined : this.#change(key, fact)
    if (fact === undefined || change === undefined) return
    const { namespace, pod, device, container, ifname } = fact
    if (change === 'close') {
      await closeHostSide(host.netns, device)
      this.#closed.add(attachmentKey(container, ifname))
      await host.submit('cni', [{ kind: 'endpoint.detached', namespace, pod }])
      host.report(`${namespace}/${pod} is another node’s: its interface ${device} here is closed`)
      return
    }
    const ifindex = interfacesIn(host.netns).find(({ name }) => name === device)?.ifindex
    this.#closed.delete(key)
    if (ifindex === undefined) return
    const { hostMac, podMac } = namesFor(container, ifname)
    const endpoint: EndpointFact = { namespace, pod, ifindex, ifname: device, hostMac, podMac }
    await host.submit('cni', [{ kind: 'endpoint.attached', endpoint }])
    await openHostSide(host.netns, fact, endpoint, nodeAddresses())
  }
}
