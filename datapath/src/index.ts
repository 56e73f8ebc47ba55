export {
  type Attachment,
  type AttachOptions,
  type Backend,
  type BackendMap,
  type Counters,
  type EventBatch,
  type Features,
  type PacketContext,
  type PacketResult,
  type ProgramName,
  packetActions,
  type ReasonCount,
  type Role,
  type Sweep,
} from './backend.js'
export { type SlotMemory, type SocketProgramName, socketHooks } from './backend.js'
export { codecs, type MapName, type TableMapName } from './codec/maps.js'
export {
  decodeFlowEvent,
  type FlowEnd,
  type FlowEvent,
  type FlowEventBatch,
  flowEvents,
} from './flow/event.js'
export { reasonName, reasons } from './flow/reasons.js'
export type { KernelBackendHandle, KernelBackendOptions } from './kernel/backend.js'
export { loadKernelBackend } from './kernel/create-lazily.js'
export type { Call, CallResult } from './memory/call.js'
export { createMemoryBackend, type MemoryBackendHandle, type MemoryBackendOptions } from './memory/backend.js'
export { type Delivery, type SwitchPort, VirtualSwitch } from './memory/switch.js'
export { endpointOf, slotOf } from './peer.js'
export { Reconciler, type ReconcilerOptions, type ReconcilerStatus } from './reconcile/reconciler.js'
export type { ReconcileReport, ReconcilerCounters, RepairReport, WriteCounts } from './reconcile/report.js'
export { ServiceReconciler } from './services/reconciler.js'
export { processTimer, type Timer } from './reconcile/timer.js'
export type { WriteBatch } from './reconcile/batch.js'
