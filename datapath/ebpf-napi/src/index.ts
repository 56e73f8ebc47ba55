export type {
  BpfLink,
  BpfMap,
  BpfObject,
  BpfProgram,
  BtfMember,
  BtfType,
  ClsactFilter,
  ClsactOptions,
  Direction,
  LinkInfo,
  MapEntries,
  MapInfo,
  MapLayout,
  MapSpec,
  MapType,
  NetnsOption,
  OnRingBatch,
  ObjectLayout,
  OpenHandle,
  OpenOptions,
  ProgramInfo,
  RingBuffer,
  RingBufferOptions,
  TcxOptions,
  TcxPrograms,
  TestRun,
  TestRunOptions,
  UpdateFlag,
} from './api.js'
export { clsactFilter, destroyClsact, queryClsact } from './clsact.js'
export { deviceDriver } from './device.js'
export { EbpfError, type EbpfErrorDetails, type PinMismatch } from './error.js'
export { openHandles } from './handles.js'
export { readLayout } from './layout.js'
export { linkById, openPinnedLink } from './link.js'
export { createMap, mapById, openPinnedMap, perCpuValues } from './map.js'
export { mountBpffs, unmount } from './mount.js'
export { loadObject } from './object.js'
export { capabilities, probe } from './probe.js'
export { openPinnedProgram, programById } from './program.js'
export { openRingBatches, openRingBuffer } from './ring.js'
export { queryTcx } from './tcx.js'
