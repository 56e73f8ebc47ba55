import type { AttachmentFact } from '../event/attachment.js'
import type { EventBody, PodFact } from '../event/event.js'
import { sameFact } from '../input/same-fact.js'
import { attachmentKey, objectKey, type ClusterState, type Stored } from '../state/state.js'

/** A pod of this node of which nobody has told: policies that select pods don't select it, and nothing may reach it. */
export const initPod = ({ namespace, pod, addresses }: AttachmentFact, node: string): PodFact => ({
  ...{ namespace, name: pod, labels: {}, serviceAccount: '', node, addresses },
  ...{ hostNetwork: false, ports: [], init: true },
})

/**
 * Whether a pod is told of as another node's. Names of pods come again: one whose interface is here still may run there by
 * now, and one that has got an interface here may be told of as the one before it, which ran there.
 */
export function isElsewhere({ node }: PodFact, { agent }: ClusterState): boolean {
  return node !== '' && agent !== undefined && node !== agent.fact.node
}

/** The attachment that came last of those that a pod has; the runtime makes a new sandbox before the old one is gone. */
export function attachmentOf(
  attachments: Iterable<Stored<AttachmentFact>>,
  namespace: string,
  name: string,
): Stored<AttachmentFact> | undefined {
  let latest: Stored<AttachmentFact> | undefined
  for (const stored of attachments) {
    const { fact, seq } = stored
    if (fact.pod === name && fact.namespace === namespace && (latest === undefined || seq >= latest.seq))
      latest = stored
  }
  return latest
}

/**
 * What is said of pods, as it is with what containers of this node were given: a pod has the addresses of its interface
 * from its first moment, whenever its object tells of them, unless it is another node's; one whose object goes before its
 * interface does stays, as one of which nobody has told. What then says nothing new is left out. One settler is for what is said in one batch.
 */
export class AttachmentSettler {
  readonly #state: ClusterState
  readonly #pods = new Map<string, PodFact | undefined>()
  #attachments: ReadonlyMap<string, Stored<AttachmentFact>>
  #seq: number

  /** @param state as it is before the batch */
  constructor(state: ClusterState) {
    this.#state = state
    this.#attachments = state.attachments
    this.#seq = state.seq
  }

  settle<Body extends EventBody>(bodies: readonly Body[]): readonly (Body | EventBody)[] {
    const isConcerned = this.#attachments.size > 0 || bodies.some(({ kind }) => kind === 'address.allocated')
    return isConcerned ? bodies.flatMap(body => this.#settled(body)) : bodies
  }

  #settled(body: EventBody): readonly EventBody[] {
    this.#seq += 1
    switch (body.kind) {
      case 'address.allocated': {
        const { attachment: fact } = body
        const key = attachmentKey(fact.container, fact.ifname)
        this.#attachments = new Map(this.#attachments).set(key, { fact, seq: this.#seq })
        return [body]
      }
      case 'address.released': {
        const left = new Map(this.#attachments)
        left.delete(attachmentKey(body.container, body.ifname))
        this.#attachments = left
        return [body]
      }
      case 'pod.upserted': {
        const { pod } = body
        const attachment = this.#attachmentOf(pod.namespace, pod.name)
        if (attachment !== undefined && !pod.hostNetwork && !isElsewhere(pod, this.#state))
          return this.#said(body, { ...pod, addresses: attachment.addresses })
        this.#pods.set(objectKey(pod.namespace, pod.name), pod)
        return [body]
      }
      case 'pod.deleted': {
        const { kind: _kind, namespace, name, ...said } = body
        const attachment = this.#attachmentOf(namespace, name)
        if (attachment !== undefined) return this.#said(said, initPod(attachment, this.#state.agent?.fact.node ?? ''))
        this.#pods.set(objectKey(namespace, name), undefined)
        return [body]
      }
      default:
        return [body]
    }
  }

  #attachmentOf(namespace: string, name: string): AttachmentFact | undefined {
    return attachmentOf(this.#attachments.values(), namespace, name)?.fact
  }

  #said(said: object, pod: PodFact): readonly EventBody[] {
    const key = objectKey(pod.namespace, pod.name)
    const before = this.#pods.has(key) ? this.#pods.get(key) : this.#state.pods.get(key)?.fact
    if (sameFact(before, pod)) return []
    this.#pods.set(key, pod)
    return [{ ...said, kind: 'pod.upserted', pod }]
  }
}
