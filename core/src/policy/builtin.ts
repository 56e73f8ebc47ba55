import { placeKeys } from '../identity/node-labels.js'
import { reservedLabel } from '../identity/reserved.js'
import { having, inAnyNamespace } from './requirements.js'
import { namespacedOrders, protocolNumbers, type Rule } from './rule.js'

/** TCP ports that stay open on a node unless its configuration says otherwise: ssh and the API server. */
export const defaultFailSafePorts: readonly number[] = [22, 6443]

const allowance = { tier: 'namespaced', order: namespacedOrders.builtin, action: 'allow' } as const

/** What holds for every pod without a policy that says so. A pod's traffic to itself never leaves it. */
export const builtinRules: readonly Rule[] = [
  {
    ...allowance,
    subject: [inAnyNamespace],
    direction: 'ingress',
    peers: [{ kind: 'labels', selector: having(reservedLabel('host')) }],
    ports: 'any',
    origin: {
      policy: 'built-in: node reaches its pods',
      path: "kubelet's probes must pass whatever isolates the pod",
      seq: 0,
    },
  },
]

const notKnownYet = {
  policy: 'built-in: pods not known yet',
  path: 'whoever they are, policies may isolate them',
  seq: 0,
} as const

/** What holds while there are pods of which nobody has told: policies must allow what reaches or leaves them. */
export const initBuiltinRules: readonly Rule[] = [
  {
    ...allowance,
    subject: having(reservedLabel('init')),
    direction: 'ingress',
    peers: [{ kind: 'labels', selector: having(reservedLabel('host')) }],
    ports: 'any',
    origin: {
      policy: 'built-in: node reaches its pods',
      path: "kubelet's probes must pass whatever isolates the pod",
      seq: 0,
    },
  },
  ...(['ingress', 'egress'] as const).map(
    (direction): Rule => ({
      tier: 'namespaced',
      order: namespacedOrders.isolation,
      action: 'deny',
      subject: having(reservedLabel('init')),
      direction,
      peers: 'any',
      ports: 'any',
      origin: notKnownYet,
    }),
  ),
]

/**
 * What holds for a node while a policy speaks of nodes: nobody locks it away by accident. An explicit deny wins.
 * @param failSafePorts TCP
 */
export const hostBuiltinRules = (failSafePorts: readonly number[]): readonly Rule[] => [
  {
    ...allowance,
    subject: having(reservedLabel('host')),
    direction: 'egress',
    peers: [{ kind: 'labels', selector: having(placeKeys.ownPod) }],
    ports: 'any',
    origin: {
      policy: 'built-in: node reaches its pods',
      path: "kubelet's probes must pass whatever isolates the node",
      seq: 0,
    },
  },
  {
    ...allowance,
    subject: having(reservedLabel('host')),
    direction: 'ingress',
    peers: 'any',
    ports: {
      ranges: [...new Set(failSafePorts)].map(port => ({ protocol: protocolNumbers.TCP, first: port, last: port })),
      named: [],
    },
    origin: {
      policy: 'built-in: fail-safe ports',
      path: 'ssh and the API server stay open so that nobody locks the node away by accident',
      seq: 0,
    },
  },
]
