import type { CiliumDirectionRule, CiliumPolicyFact, CiliumPortRule, CiliumRule } from '../../event/cilium.js'
import { reservedLabel } from '../../identity/reserved.js'
import { canonicalSelector } from '../match.js'
import { having, inAnyNamespace, inNamespace, nodesWith } from '../requirements.js'
import { namespacedOrders, type Direction, type PortSet, type ProxyDemand, type Rule } from '../rule.js'
import type { LabelSelector } from '../selector.js'
import { compilePeers, type CompileContext } from './peers.js'

/**
 * CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy → rules: per entry what it allows or denies, and per direction
 * that isolates one denial of the rest.
 * @param seq the event that brought this version
 */
export function compileCiliumPolicy(policy: CiliumPolicyFact, seq: number, context: CompileContext): Rule[] {
  const name = policy.namespace === '' ? policy.name : `${policy.namespace}/${policy.name}`
  const origin = { policy: `${policy.kind} ${name}`, seq }
  const rules: Rule[] = []
  for (const rule of policy.rules) {
    const subject = subjectOf(rule, policy.namespace)
    for (const direction of ['ingress', 'egress'] as const) {
      const shared = { tier: 'namespaced', subject, direction } as const
      const denials = rule[`${direction}Deny`]
      for (const entry of rule[direction] ?? []) {
        for (const { path, ports, l7 } of allowances(entry)) {
          rules.push({
            ...shared,
            order: l7 === undefined ? namespacedOrders.allow : namespacedOrders.proxied,
            action: 'allow',
            peers: peersOf(entry, policy, context),
            ports,
            ...(l7 === undefined ? {} : { l7 }),
            origin: { ...origin, path },
          })
        }
      }
      for (const entry of denials ?? []) {
        rules.push({
          ...shared,
          order: namespacedOrders.deny,
          action: 'deny',
          peers: peersOf(entry, policy, context),
          ports: portsOf(entry),
          origin: { ...origin, path: entry.path },
        })
      }
      const isolatedBy = isolationPath(rule, direction)
      if (isolatedBy === undefined) continue
      const order = namespacedOrders.isolation
      rules.push({
        ...shared,
        order,
        action: 'deny',
        peers: 'any',
        ports: 'any',
        origin: { ...origin, path: isolatedBy },
      })
    }
  }
  return rules
}

/** Pods of the policy's namespace or of all; never a node, unless a nodeSelector asks for it: then the one that judges. */
export function subjectOf({ subject }: CiliumRule, namespace: string): LabelSelector {
  if (subject.kind === 'nodes') {
    return canonicalSelector([...having(reservedLabel('host')), ...nodesWith(subject.selector)])
  }
  return canonicalSelector([namespace === '' ? inAnyNamespace : inNamespace(namespace), ...subject.selector])
}

/** The place that isolates a direction; undefined when the rule doesn't. */
function isolationPath(rule: CiliumRule, direction: Direction): string | undefined {
  const asked = rule.enableDefaultDeny[direction]
  if (asked !== undefined) return asked ? `${rule.path}.enableDefaultDeny.${direction}` : undefined
  const section = ([direction, `${direction}Deny`] as const).find(name => (rule[name] ?? []).length > 0)
  return section === undefined ? undefined : `${rule.path}.${section}`
}

/** No peers mean everybody, but only where ports or icmps say for what: an entry without any means nobody. */
function peersOf(entry: CiliumDirectionRule, { namespace }: CiliumPolicyFact, context: CompileContext): Rule['peers'] {
  if (entry.peers !== undefined) return compilePeers(entry.peers, namespace, context)
  return entry.ports === undefined && entry.icmps === undefined ? [] : 'any'
}

interface Allowance {
  readonly path: string
  readonly ports: PortSet
  readonly l7?: ProxyDemand
}

/** Ports that ask nothing of a proxy are one allowance; each entry of `toPorts` that does is one of its own. */
function allowances(entry: CiliumDirectionRule): readonly Allowance[] {
  const { path, ports = [], authentication } = entry
  const login = authentication === undefined || authentication === 'disabled' ? {} : { authentication }
  const demands = ports.map((port, index) => ({ port, index, l7: { ...demandOf(port), ...login } }))
  const plain = demands.filter(({ l7 }) => isEmpty(l7)).map(({ port }) => port)
  const proxied = demands
    .filter(({ l7 }) => !isEmpty(l7))
    .map(({ port, index, l7 }) => ({ path: `${path}.toPorts[${index}]`, ports: joined([port]), l7 }))
  if (ports.length === 0) return [{ path, ports: portsOf(entry), ...(isEmpty(login) ? {} : { l7: login }) }]
  return plain.length === 0 ? proxied : [{ path, ports: joined(plain) }, ...proxied]
}

const isEmpty = (demand: ProxyDemand): boolean => Object.keys(demand).length === 0

const demandOf = (port: CiliumPortRule): ProxyDemand => ({
  ...(port.l7 === undefined ? {} : { rules: port.l7 }),
  ...(port.serverNames.length === 0 ? {} : { serverNames: port.serverNames }),
  ...(port.listener === undefined ? {} : { listener: port.listener }),
  ...(port.terminatingTls === undefined ? {} : { terminatingTls: port.terminatingTls }),
  ...(port.originatingTls === undefined ? {} : { originatingTls: port.originatingTls }),
  ...(port.tls === true ? { tls: true } : {}),
})

function portsOf({ ports, icmps }: CiliumDirectionRule): PortSet {
  if (icmps !== undefined && icmps.length > 0) return { ranges: icmps, named: [] }
  return ports === undefined || ports.length === 0 ? 'any' : joined(ports)
}

/** An entry without ports, which is refused where policies are read, means all of them. */
function joined(ports: readonly CiliumPortRule[]): PortSet {
  if (ports.some(({ ranges, named }) => ranges.length === 0 && named.length === 0)) return 'any'
  return { ranges: ports.flatMap(({ ranges }) => ranges), named: ports.flatMap(({ named }) => named) }
}
