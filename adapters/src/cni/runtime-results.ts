import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AttachmentFact } from '@weir/core'
import { namesFor } from './interface.js'
import { isObject, type JsonObject } from './request.js'
import { addressesIn } from './result.js'

/** Where runtimes keep what plugins answered, by the reference library of the specification. */
export const resultsFolder = '/var/lib/cni/results'

/**
 * What container runtimes remember of interfaces that they had made, by the device on the node. Files that aren't
 * understood are passed over: they are of others, or of versions to come.
 */
export async function rememberedAttachments(folder: string): Promise<ReadonlyMap<string, AttachmentFact>> {
  const names = await readdir(folder).catch(() => [])
  const found = await Promise.all(names.map(name => remembered(join(folder, name))))
  return new Map(found.flatMap(each => (each === undefined ? [] : [[each.device, each]])))
}

async function remembered(file: string): Promise<AttachmentFact | undefined> {
  const kept = await readFile(file, 'utf8').then(parsed, () => undefined)
  const result = kept?.result
  if (kept?.kind !== 'cniCacheV1' || !isObject(result)) return undefined
  const { containerId: container, ifName: ifname, networkName: network } = kept
  if (typeof container !== 'string' || typeof ifname !== 'string' || typeof network !== 'string') return undefined
  const words = argumentsIn(kept.cniArgs)
  const [namespace, pod] = [words.get('K8S_POD_NAMESPACE'), words.get('K8S_POD_NAME')]
  const netns = sandboxOf(result, ifname)
  const addresses = addressesIn(result, ifname)
  if (namespace === undefined || pod === undefined || netns === undefined || addresses.length === 0) return undefined
  return { network, container, ifname, netns, namespace, pod, device: namesFor(container, ifname).device, addresses }
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Pairs of a name and a value. */
function argumentsIn(given: unknown): ReadonlyMap<string, string> {
  const pairs = Array.isArray(given) ? (given as readonly unknown[]) : []
  return new Map(
    pairs.flatMap((pair): [string, string][] => {
      const [name, value] = Array.isArray(pair) ? (pair as readonly unknown[]) : []
      return typeof name === 'string' && typeof value === 'string' ? [[name, value]] : []
    }),
  )
}

function sandboxOf({ interfaces }: JsonObject, ifname: string): string | undefined {
  const list = Array.isArray(interfaces) ? (interfaces as readonly unknown[]) : []
  for (const each of list)
    if (isObject(each) && each.name === ifname && typeof each.sandbox === 'string' && each.sandbox !== '')
      return each.sandbox
  return undefined
}
