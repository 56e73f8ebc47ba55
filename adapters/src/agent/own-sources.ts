import { HttpApi } from '../kubernetes/http-api.js'
import { kubernetesSource } from '../kubernetes/source.js'
import { resources } from '../kubernetes/resource.js'
import type { AgentOptions } from './agent-options.js'
import { Claims } from './claims.js'
import { ipMasqSource } from './ip-masq-source.js'
import type { Machine } from './machine.js'
import { manifestSource } from './manifest-source.js'
import type { Source } from './source.js'

/** What the agent is told to follow: a folder, an API server, a file. */
export function ownSources(
  options: AgentOptions,
  machine: Machine,
  report: (message: string) => void,
): readonly Source[] {
  const {
    manifests: path,
    kubernetes,
    ipMasqConfig,
    node,
    podCidrs = [],
    nodeAddresses: reserved = [],
    clock,
  } = options
  const ownNode = { name: node, ...(reserved.length > 0 && { addresses: reserved, podCidrs }) }
  // A runtime's pods have the addresses of their interfaces.
  const addresses = { podCidrs: options.cni === undefined ? podCidrs : [], reserved }
  const following = { addresses, machine: machine.manifests }
  const kinds = new Set(resources.map(({ kind }) => kind))
  const claims = path === undefined || kubernetes === undefined ? undefined : new Claims(kind => kinds.has(kind))
  return [
    ...(path === undefined ? [] : [manifestSource({ path, node, ...following, clock, claims, report })]),
    ...(kubernetes === undefined
      ? []
      : [
          kubernetesSource({
            ...{ clock, random: () => machine.random(), ownNode, claims, report },
            writesBack: kubernetes.writesBack ?? false,
            connect:
              machine.connectKubernetes ??
              (async () => {
                // It takes a second and 70 MiB to load: only those who follow an API server pay for it.
                const { connect } = await import('../kubernetes/credentials.js')
                return new HttpApi(await connect(kubernetes, () => clock.nowMs()))
              }),
          }),
        ]),
    ...(ipMasqConfig === undefined ? [] : [ipMasqSource(ipMasqConfig)]),
  ]
}
