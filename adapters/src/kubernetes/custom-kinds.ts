import { isMap } from '@weir/core/input/reader.js'
import { abortOf } from '../agent/pause.js'
import type { ResourceStatus } from '../agent/protocol.js'
import type { Entry } from './entry.js'
import { Reflector, type ReflectorOptions } from './reflector.js'
import { definitionName, definitions, type Resource } from './resource.js'

/** Definitions are large and only their names are wanted: the server leaves out the rest. */
const namesOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json'
const namesOnlyInLists = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json'

/** Follows custom kinds, each while the cluster has a definition of it. */
export class CustomKinds {
  readonly #kinds: ReadonlyMap<string, Reflector<Entry>>
  readonly #definitions: Reflector<string>

  constructor(
    reflectors: ReadonlyMap<Resource, Reflector<Entry>>,
    options: Pick<ReflectorOptions<string>, 'api' | 'clock' | 'random' | 'onStatus'>,
  ) {
    this.#kinds = new Map([...reflectors].map(([resource, reflector]) => [definitionName(resource), reflector]))
    const present = new Set<string>()
    const become = (name: string, isDefined: boolean): void => {
      if (present.has(name) === isDefined) return
      if (isDefined) present.add(name)
      else present.delete(name)
      this.#kinds.get(name)?.define(isDefined)
    }
    this.#definitions = new Reflector({
      ...options,
      resource: definitions,
      accept: namesOnly,
      acceptList: namesOnlyInLists,
      read: raw => {
        const name = isMap(raw) && isMap(raw.metadata) ? raw.metadata.name : undefined
        return typeof name === 'string' ? name : ''
      },
      nameOf: name => name,
      take: async changes => {
        for (const { entry, isGone } of changes) if (this.#kinds.has(entry)) become(entry, !isGone)
      },
      listed: async names => {
        for (const name of present) if (!names.has(name)) become(name, false)
      },
    })
  }

  get status(): ResourceStatus {
    return this.#definitions.status
  }

  /** Runs until `signal` aborts; rejects as a reflector does. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = abortOf(signal)
    const each = [...this.#kinds.values()].map(async reflector => {
      await Promise.race([this.#definitions.known, ended])
      await reflector.run(signal)
    })
    await Promise.all([this.#definitions.run(signal), ...each])
  }
}
