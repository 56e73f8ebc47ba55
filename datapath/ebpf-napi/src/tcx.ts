import type { BpfLink, Direction, NetnsOption, TcxOptions, TcxPrograms } from './api.js'
import { EbpfError } from './error.js'
import { linkOf } from './link.js'
import { type NativeHandle, native } from './native.js'

const before = 1 << 3
const after = 1 << 4
const relativeIsId = 1 << 5

export function attachTcx(program: NativeHandle, ifindex: number, direction: Direction, options: TcxOptions): BpfLink {
  if (options.before !== undefined && options.after !== undefined) {
    throw new EbpfError('ERR_EBPF_ARGUMENT', 'attachTcx', 'give `before` or `after`, not both')
  }
  const relative = options.before ?? options.after ?? 'all'
  const place = options.before === undefined ? after : before
  const flags = relative === 'all' ? place : place | relativeIsId
  const relativeId = relative === 'all' ? 0 : relative
  const revision = options.expectedRevision ?? 0n
  return linkOf(native.attachTcx(program, ifindex, direction, flags, relativeId, revision, options.netns))
}

/** Programs attached by TCX at a device, in the order they run. EINVAL before kernel 6.6, ENODEV without the device. */
export function queryTcx(ifindex: number, direction: Direction, options: NetnsOption = {}): TcxPrograms {
  return native.queryTcx(ifindex, direction, options.netns)
}
