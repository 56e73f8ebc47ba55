import { canonicalJson } from '../json.js'
import { sourceText } from './address-source.js'
import { selectorText } from './match.js'
import type { PeerSelector, PortSet, Rule } from './rule.js'

/** What a peer selector means, as one line; equal meanings that are written alike have equal texts. */
export function peerText(peer: PeerSelector): string {
  if (peer.kind === 'labels') return `labels ${selectorText(peer.selector)}`
  const except = peer.except.length === 0 ? '' : ` except ${sortedText(peer.except)}`
  if (peer.kind === 'set') {
    const members = peer.cidrs.length === 0 ? '' : ` now ${[...peer.cidrs].sort().join(' ')}`
    return `${sourceText(peer.source)}${except} ${peer.scope}${members}`
  }
  return `cidr ${peer.cidr}${except} ${peer.scope}`
}

const sortedText = (texts: readonly string[]): string => (texts.length === 1 ? texts[0]! : [...texts].sort().join(' '))

/** Ports as one line: `6:80-80 6:http`, numbers being IANA protocols. */
export function portSetText(ports: PortSet): string {
  if (ports === 'any') return 'any'
  const texts = [
    ...ports.ranges.map(({ protocol, first, last }) => `${protocol}:${first}-${last}`),
    ...ports.named.map(({ name, protocol }) => `${protocol}:${name}`),
  ]
  return texts.sort().join(' ')
}

/** All that a rule means but whom of its peers. */
export const frameText = (rule: Rule): string => partsText(rule, rule.peers === 'any' ? 'any' : 'some')

/**
 * What a rule means and which policy says so, whatever event brought it and wherever in the policy it stands. Two
 * rules with equal texts decide alike; a peer named twice is one.
 * @param peerTexts of its peers, where somebody has them already
 */
export function ruleText(rule: Rule, peerTexts = rule.peers === 'any' ? 'any' : rule.peers.map(peerText)): string {
  return partsText(rule, typeof peerTexts === 'string' ? peerTexts : [...new Set(peerTexts)].sort().join('; '))
}

function partsText(rule: Rule, peers: string): string {
  return [
    `${rule.tier} ${rule.order} ${rule.action} ${rule.direction}`,
    `subject ${selectorText(rule.subject)}`,
    `peers ${peers}`,
    `ports ${portSetText(rule.ports)}`,
    ...(rule.l7 === undefined ? [] : [`proxy ${canonicalJson(rule.l7)}`]),
    rule.origin.policy,
  ].join('\n')
}
