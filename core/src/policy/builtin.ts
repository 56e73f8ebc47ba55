import { reservedLabel } from '../identity/reserved.js'
import type { Rule } from './rule.js'

/** What holds for every pod without a policy that says so. A pod's traffic to itself never leaves it: see `judge`. */
export const builtinRules: readonly Rule[] = [
  {
    tier: 'namespaced',
    order: 2,
    subject: [],
    direction: 'ingress',
    action: 'allow',
    peers: [{ kind: 'labels', selector: [{ key: reservedLabel('host'), operator: 'Exists', values: [] }] }],
    ports: 'any',
    origin: {
      policy: 'built-in: node reaches its pods',
      path: "kubelet's probes must pass whatever isolates the pod",
      seq: 0,
    },
  },
]
