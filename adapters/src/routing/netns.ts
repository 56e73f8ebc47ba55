import {
  hopsIn,
  interfacesIn,
  readSysctlIn,
  routesIn,
  rtnetlinkIn,
  rulesIn,
  tryRtnetlinkIn,
  writeSysctlIn,
} from 'netns-napi'

/** What a kernel is asked about devices, routes and rules, and told: by netns-napi, or a simulation of it. */
export type Rtnetlink = Pick<
  typeof import('netns-napi'),
  | 'hopsIn'
  | 'interfacesIn'
  | 'readSysctlIn'
  | 'routesIn'
  | 'rtnetlinkIn'
  | 'rulesIn'
  | 'tryRtnetlinkIn'
  | 'writeSysctlIn'
>

/** Of the kernel that this process runs on. */
export const kernelRtnetlink: Rtnetlink = {
  ...{ hopsIn, interfacesIn, readSysctlIn, routesIn },
  ...{ rtnetlinkIn, rulesIn, tryRtnetlinkIn, writeSysctlIn },
}

/** The network namespace that is worked in, and what is asked about it. */
export interface Netns {
  readonly path: string
  readonly rtnetlink: Rtnetlink
}

/** @param path A file; this process's own namespace when absent. */
export const netnsAt = (path: string | undefined, rtnetlink: Rtnetlink = kernelRtnetlink): Netns => ({
  ...{ path: path ?? '/proc/self/ns/net', rtnetlink },
})
