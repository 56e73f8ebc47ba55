import type { BpfMap, BpfObject, BpfProgram, OpenOptions } from './api.js'
import { EbpfError } from './error.js'
import { mapOf } from './map.js'
import { native } from './native.js'
import { programOf } from './program.js'

class LoadedObject implements BpfObject {
  readonly maps: ReadonlyMap<string, BpfMap>
  readonly programs: ReadonlyMap<string, BpfProgram>

  constructor(maps: ReadonlyMap<string, BpfMap>, programs: ReadonlyMap<string, BpfProgram>) {
    this.maps = maps
    this.programs = programs
  }

  close(): void {
    for (const map of this.maps.values()) {
      map.close()
    }
    for (const program of this.programs.values()) {
      program.close()
    }
  }
}

function variableValue(name: string, value: Uint8Array | number | bigint | boolean): Uint8Array | bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new EbpfError('ERR_EBPF_ARGUMENT', 'loadObject', `variable '${name}' must be an integer, not ${value}`)
  }
  return value instanceof Uint8Array ? value : BigInt(value)
}

/**
 * Opens and loads an ELF object, from a path or its bytes. When the verifier refuses a program, the error has its name
 * in `program`, the log in `log` and the reason in the message. ERR_EBPF_NAME when an option names what isn't there.
 */
export function loadObject(source: string | Uint8Array, options: OpenOptions = {}): BpfObject {
  const variables = Object.entries(options.variables ?? {})
  const { maps, programs } = native.loadObject(source, {
    maxEntries: Object.entries(options.maxEntries ?? {}),
    variables: variables.map(([name, value]) => [name, variableValue(name, value)] as const),
    pins: Object.entries(options.pins ?? {}),
    without: options.without ?? [],
  })
  return new LoadedObject(
    new Map(maps.map(([name, handle]) => [name, mapOf(handle)])),
    new Map(programs.map(([name, handle]) => [name, programOf(handle, name)])),
  )
}
