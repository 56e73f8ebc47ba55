import type { ClsactFilter, ClsactOptions, Direction, NetnsOption } from './api.js'
import { type NativeHandle, native } from './native.js'

export function attachClsact(
  program: NativeHandle,
  ifindex: number,
  direction: Direction,
  options: ClsactOptions,
): ClsactFilter {
  const { handle = 1, priority = 1, netns } = options
  native.attachClsact(program, ifindex, direction, handle, priority, netns)
  return clsactFilter(ifindex, direction, options)
}

/** The filter at a place, whoever attached it; nothing is looked up before its detach(), which is ENOENT when it is gone. */
export function clsactFilter(ifindex: number, direction: Direction, options: ClsactOptions = {}): ClsactFilter {
  const { handle = 1, priority = 1, netns } = options
  return {
    ifindex,
    direction,
    handle,
    priority,
    detach: () => native.detachClsact(ifindex, direction, handle, priority, netns),
  }
}

/** The id of the program that a clsact filter runs; undefined when there is no filter at that place. */
export function queryClsact(ifindex: number, direction: Direction, options: ClsactOptions = {}): number | undefined {
  const { handle = 1, priority = 1, netns } = options
  const programId = native.queryClsact(ifindex, direction, handle, priority, netns)
  return programId === 0 ? undefined : programId
}

/** Removes a device's clsact with every filter on it, whoever attached them. */
export function destroyClsact(ifindex: number, options: NetnsOption = {}): void {
  native.destroyClsact(ifindex, options.netns)
}
