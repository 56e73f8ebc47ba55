export { type Agent, type Applied, createAgent } from './agent/agent.js'
export type { AgentOptions, BackendChoice } from './agent/agent-options.js'
export { type Clock, systemClock, type Timer } from './agent/clock.js'
export { explainedCauses, isAllowedBy } from './agent/causes.js'
export type { Fact, Facts, Submitted } from './agent/intake.js'
export { findPlace, type Place } from './agent/places.js'
export type {
  CounterRow,
  ErrorBody,
  FlowEnd,
  FlowRecord,
  Kind,
  PodView,
  PolicyView,
  SourceStatus,
  StatusReport,
  WhyAnswer,
} from './agent/protocol.js'
export { defaultSocketPath, kinds } from './agent/protocol.js'
export { type Replay, replayLog, restoreEngine } from './agent/restore.js'
export type { Source, SourceSink } from './agent/source.js'
export { parseTarget } from './agent/target.js'
export { why } from './agent/why.js'
export { type AgentClient, agentClient } from './cli/client.js'
export { main } from './cli/main.js'
export { type AddressOptions, assignAddresses } from './manifests/addresses.js'
export { type DiffOptions, diffFacts } from './manifests/diff.js'
export { type ReadOptions, readManifests } from './manifests/read.js'
export type { ManifestObject, ManifestSet } from './manifests/set.js'
export { type WatchOptions, watchManifests } from './manifests/watch.js'
export { createNodeNetwork, type NodeNetwork, type NodeNetworkOptions, type PodLink } from './network/node-network.js'
export { buildVersion } from './version.js'
