import { WeirError } from '@weir/core/errors.js'

// Neither the language's library nor Node's types declare it; the browser's would bring the DOM along.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: object }
}

/** What the module exports: bpf/README.md, "The WebAssembly module". */
export interface WeirModule {
  /** Grows: take a fresh view after each call. */
  readonly memory: { readonly buffer: ArrayBuffer }
  weir_abi(): number
  weir_map_count(): number
  weir_map_name(map: number): number
  weir_map_key_size(map: number): number
  weir_map_value_size(map: number): number
  weir_map_max_entries(map: number): number
  weir_map_resize(map: number, most: number): number
  weir_key(): number
  weir_value(): number
  weir_map_lookup(map: number): number
  weir_map_update(map: number, flags: number): number
  weir_map_delete(map: number): number
  weir_map_next_key(map: number, first: number): number
  weir_map_kind(map: number): number
  weir_map_values(map: number): number
  weir_ring_next(map: number): number
  weir_ring_length(): number
  weir_config_count(): number
  weir_config_name(variable: number): number
  weir_config_size(variable: number): number
  weir_config_at(variable: number): number
  weir_set_clock(ns: bigint): void
  weir_packet(): number
  weir_packet_most(): number
  weir_context(): number
  weir_run(program: number): number
  weir_call_context(): number
  weir_sweep_result(): number
}

const supportedAbi = 5

/** Makes an instance of the packet programs with empty maps. */
export function instantiate(bytes: Uint8Array): WeirModule {
  const module = new WebAssembly.Module(new Uint8Array(bytes))
  const exports = new WebAssembly.Instance(module, {}).exports as unknown as WeirModule
  const abi = exports.weir_abi()
  if (abi !== supportedAbi) {
    throw new WeirError('WEIR_PROGRAM_MISSING', `the WebAssembly module has interface ${abi}, not ${supportedAbi}`, {
      path: 'weir.wasm',
      build: 'node bpf/build.mjs wasm',
    })
  }
  return exports
}

/** The NUL-terminated text at an address of the module. */
export function textAt(module: WeirModule, address: number): string {
  const bytes = new Uint8Array(module.memory.buffer, address)
  return String.fromCharCode(...bytes.subarray(0, bytes.indexOf(0)))
}

export const viewAt = (module: WeirModule, address: number, length: number): Uint8Array =>
  new Uint8Array(module.memory.buffer, address, length)

/** Sets a variable of config.h. */
export function configure(module: WeirModule, name: string, value: number): void {
  for (let variable = 0; variable < module.weir_config_count(); variable += 1) {
    if (textAt(module, module.weir_config_name(variable)) !== name) continue
    const bytes = viewAt(module, module.weir_config_at(variable), module.weir_config_size(variable))
    for (const index of bytes.keys()) bytes[index] = (value >>> (8 * index)) & 0xff
    return
  }
  throw new RangeError(`no variable ${name} in the module`)
}
