import { cniCodes, CniError } from './cni-error.js'
import { type CniVersion, latestCniVersion, versionFor } from './versions.js'

export type CniCommand = 'ADD' | 'DEL' | 'CHECK' | 'STATUS' | 'GC' | 'VERSION'

/** What the plugin was called with, as it passes it on: variables of its environment, and what it read. */
export interface CniCall {
  readonly command: string
  readonly containerId: string
  readonly netns: string
  readonly ifname: string
  readonly args: string
  readonly config: string
}

/** A container's interface: `eth0` of some container. */
export interface CniTarget {
  readonly container: string
  readonly ifname: string
  /** Path of the network namespace; '' where the runtime has none any more. */
  readonly netns: string
}

/** A call that is understood. */
export interface CniRequest {
  readonly command: CniCommand
  readonly version: CniVersion
  readonly config: CniConfig
  /** Of no container for STATUS, GC and VERSION. */
  readonly target: CniTarget
  /** From `CNI_ARGS`, where the runtime is one of Kubernetes'. */
  readonly pod: { readonly namespace: string; readonly name: string }
}

/** What of the configuration is read; the rest is other plugins'. */
export interface CniConfig {
  readonly name: string
  readonly mtuBytes?: number
  readonly dns: unknown
  readonly prevResult?: JsonObject
  readonly validAttachments?: readonly { readonly container: string; readonly ifname: string }[]
}

export type JsonObject = Readonly<Record<string, unknown>>

const commands: readonly CniCommand[] = ['ADD', 'DEL', 'CHECK', 'STATUS', 'GC', 'VERSION']

/** Ethernet's least that IPv6 can do with, and the kernel's most for a veth. */
export const mtuBounds = { least: 1280, most: 65_535 } as const

/**
 * Reads a call.
 *
 * @throws CniError undecodable, incompatibleVersion, invalidEnvironment, invalidConfig, unsupportedField
 */
export function readCall(call: CniCall): CniRequest {
  const command = commands.find(each => each === call.command)
  if (command === undefined)
    throw new CniError(
      cniCodes.invalidEnvironment,
      `unknown CNI_COMMAND: ${JSON.stringify(call.command)}`,
      commands.join(', '),
    )
  const target = { container: call.containerId, ifname: call.ifname, netns: call.netns }
  if (command === 'VERSION') {
    const config = { name: '', dns: undefined }
    return { command, version: latestCniVersion, config, target, pod: nobody }
  }
  const json = parseConfig(call.config)
  const version = versionFor(command, json.cniVersion)
  const isOfContainer = command !== 'STATUS' && command !== 'GC'
  if (isOfContainer) checkTarget(command, target)
  const pod = isOfContainer ? podOf(call) : nobody
  return { command, version, config: configOf(command, json), target, pod }
}

const nobody = { namespace: '', name: '' } as const

/** The version that a configuration has, for errors to be told in it; the latest where it can't be read. */
export function versionIn(config: string): string {
  try {
    const { cniVersion } = parseConfig(config)
    return typeof cniVersion === 'string' ? cniVersion : latestCniVersion
  } catch {
    return latestCniVersion
  }
}

function parseConfig(text: string): JsonObject {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new CniError(cniCodes.undecodable, 'the network configuration is no JSON', messageOf(error))
  }
  if (!isObject(parsed)) throw new CniError(cniCodes.undecodable, 'the network configuration is no JSON object')
  return parsed
}

function configOf(command: CniCommand, json: JsonObject): CniConfig {
  const { name, mtu, dns, prevResult, ipam } = json
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name))
    throw invalidConfig('name', name, 'a name of letters, digits, _, . and -')
  if (mtu !== undefined && (!Number.isInteger(mtu) || Number(mtu) < mtuBounds.least || Number(mtu) > mtuBounds.most))
    throw invalidConfig('mtu', mtu, `a whole number from ${mtuBounds.least} to ${mtuBounds.most}`)
  if (prevResult !== undefined && !isObject(prevResult)) throw invalidConfig('prevResult', prevResult, 'an object')
  if (command === 'CHECK' && prevResult === undefined)
    throw invalidConfig('prevResult', undefined, 'the result of ADD, as CHECK must have it')
  if (isObject(ipam) && Object.keys(ipam).length > 0 && ipam.type !== 'weir')
    throw new CniError(
      cniCodes.unsupportedField,
      `unsupported field ipam.type: ${JSON.stringify(ipam.type)}`,
      'weir gives pods their addresses itself: leave ipam out',
    )
  const valid = command === 'GC' ? validAttachmentsOf(json['cni.dev/valid-attachments']) : undefined
  return {
    name,
    dns,
    ...(mtu !== undefined && { mtuBytes: Number(mtu) }),
    ...(prevResult !== undefined && { prevResult }),
    ...(valid !== undefined && { validAttachments: valid }),
  }
}

function validAttachmentsOf(given: unknown): NonNullable<CniConfig['validAttachments']> {
  const field = 'cni.dev/valid-attachments'
  // What is missing must not be taken for nothing: all would be removed.
  if (!Array.isArray(given)) throw invalidConfig(field, given, 'a list')
  return given.map((each: unknown) => {
    if (!isObject(each) || typeof each.containerID !== 'string' || typeof each.ifname !== 'string')
      throw invalidConfig(field, each, '{containerID, ifname}')
    return { container: each.containerID, ifname: each.ifname }
  })
}

function checkTarget(command: CniCommand, { container, ifname, netns }: CniTarget): void {
  const missing = [
    ...(container === '' ? ['CNI_CONTAINERID'] : []),
    ...(ifname === '' ? ['CNI_IFNAME'] : []),
    ...(netns === '' && command !== 'DEL' ? ['CNI_NETNS'] : []),
  ]
  if (missing.length > 0)
    throw new CniError(cniCodes.invalidEnvironment, `required env variables [${missing.join(',')}] missing`)
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(container))
    throw new CniError(cniCodes.invalidEnvironment, `CNI_CONTAINERID is no container: ${JSON.stringify(container)}`)
  if (ifname.length > 15 || ifname === '.' || ifname === '..' || /[/:\s]/.test(ifname))
    throw new CniError(cniCodes.invalidEnvironment, `CNI_IFNAME is no interface: ${JSON.stringify(ifname)}`)
}

/** Where nobody says which pod it is, the container stands for one. */
function podOf({ args, containerId }: CniCall): CniRequest['pod'] {
  const named = new Map(
    args.split(';').map(each => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]),
  )
  const namespace = named.get('K8S_POD_NAMESPACE') || 'default'
  const name = named.get('K8S_POD_NAME') || containerId.toLowerCase().replaceAll('_', '-')
  for (const [field, word] of Object.entries({ K8S_POD_NAMESPACE: namespace, K8S_POD_NAME: name }))
    if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(word))
      throw new CniError(cniCodes.invalidEnvironment, `CNI_ARGS: ${field} is no name: ${JSON.stringify(word)}`)
  return { namespace, name }
}

const invalidConfig = (field: string, given: unknown, expected: string): CniError =>
  new CniError(cniCodes.invalidConfig, `invalid ${field}: ${JSON.stringify(given) ?? 'absent'}`, `expected ${expected}`)

export const isObject = (given: unknown): given is JsonObject =>
  typeof given === 'object' && given !== null && !Array.isArray(given)

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
