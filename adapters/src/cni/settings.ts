import type { AttachmentFact } from '@weir/core'
import { NetnsError, writeSysctlIn } from 'netns-napi'

/** Values below `/proc/sys/net` of a namespace, by their paths there. */
export type Values = Readonly<Record<string, number>>

/**
 * What the node's side of an interface needs whatever a node's defaults are: what comes by it is passed on, its source is
 * judged by the programs and not by the way back, and nothing that a pod says of routes is believed.
 */
export const nodeSettings = ({ device }: Pick<AttachmentFact, 'device'>): Values => ({
  [`ipv4/conf/${device}/forwarding`]: 1,
  [`ipv4/conf/${device}/rp_filter`]: 0,
  [`ipv4/conf/${device}/send_redirects`]: 0,
  [`ipv6/conf/${device}/forwarding`]: 1,
  [`ipv6/conf/${device}/accept_ra`]: 0,
})

/** What the pod's side needs: some runtimes turn IPv6 off, and a router that speaks up there is none of the node's. */
export const podSettings = ({ ifname }: Pick<AttachmentFact, 'ifname'>): Values => ({
  [`ipv6/conf/${ifname}/disable_ipv6`]: 0,
  [`ipv6/conf/${ifname}/accept_ra`]: 0,
})

/** Writes settings, and says once what can't be written: in a container without privileges none can. */
export class Settings {
  readonly #report: (message: string) => void
  readonly #told = new Set<string>()

  constructor(report: (message: string) => void) {
    this.#report = report
  }

  /** Resolves when each is written or told of. A kernel without a family has none of its settings. */
  async write(netns: string, values: Values): Promise<void> {
    await Promise.all(
      Object.entries(values).map(([path, value]) =>
        writeSysctlIn(netns, path, value).catch((error: unknown) => {
          if (!(error instanceof NetnsError)) throw error
          if (error.code !== 'ENOENT') this.#tell(path, error)
        }),
      ),
    )
  }

  #tell(path: string, { code }: NetnsError): void {
    const kind = path.replace(/(?<=^ipv[46]\/conf\/)[^/]+/, 'DEVICE')
    if (this.#told.has(kind)) return
    this.#told.add(kind)
    this.#report(`/proc/sys/net/${kind} can't be set for pods' interfaces: ${code}`)
  }
}
