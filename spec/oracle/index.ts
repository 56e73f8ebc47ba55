export { cidrContains, formatAddress, neighbour, parseAddress } from './address.js'
export { clusterOf, isLocal, nameOf, type OracleCluster, type Party, partyAt } from './cluster.js'
export { type Cause, type Decision, decide, type OracleFlow, type SideDecision } from './decide.js'
export { oracleFromManifest, type RawNetworkPolicy } from './manifest.js'
