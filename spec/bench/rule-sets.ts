import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { virtualAddress } from './service-log.js'

/** Services as rules of the kernel's packet filter, in the style of what translates them on most nodes. */
export interface RuleStyle {
  readonly name: 'iptables' | 'nftables'
  /** Reads rules from its input. */
  readonly command: readonly string[]
  /** All services: `backends` of each at `server`. */
  all(services: number, backends: number, server: RuleServer): string
  /** One service given other backends, as one transaction. */
  one(index: number, backends: number, server: RuleServer): string
}

export interface RuleServer {
  readonly address: string
  readonly port: number
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index)

/** In the kernel's older tables (`iptables-legacy`), which such rules were made for. */
const iptables: RuleStyle = {
  name: 'iptables',
  command: ['iptables-legacy-restore', '--noflush'],
  all(services, backends, server) {
    const all = numbers(services)
    const chains = all.flatMap(index => [`:SVC-${index} - [0:0]`, ...endpointChains(index, backends)])
    const matches = all.map(
      index => `-A SERVICES -d ${virtualAddress(index)}/32 -p tcp -m tcp --dport 80 -j SVC-${index}`,
    )
    const rules = all.flatMap(index => serviceRules(index, backends, server))
    const head = ['*nat', ':SERVICES - [0:0]', ...chains, '-A OUTPUT -j SERVICES']
    return [...head, ...matches, ...rules, 'COMMIT', ''].join('\n')
  },
  one(index, backends, server) {
    // A chain that is named is emptied first.
    const chains = [`:SVC-${index} - [0:0]`, ...endpointChains(index, backends)]
    return ['*nat', ...chains, ...serviceRules(index, backends, server), 'COMMIT', ''].join('\n')
  },
}

const endpointChains = (index: number, backends: number): readonly string[] =>
  numbers(backends).map(at => `:SEP-${index}-${at} - [0:0]`)

function serviceRules(index: number, backends: number, { address, port }: RuleServer): readonly string[] {
  return numbers(backends).flatMap(at => {
    const left = backends - at
    const chance = left === 1 ? '' : ` -m statistic --mode random --probability ${(1 / left).toFixed(8)}`
    return [
      `-A SVC-${index}${chance} -j SEP-${index}-${at}`,
      `-A SEP-${index}-${at} -p tcp -m tcp -j DNAT --to-destination ${address}:${port}`,
    ]
  })
}

const nftables: RuleStyle = {
  name: 'nftables',
  command: ['nft', '-f', '-'],
  all(services, backends, server) {
    const all = numbers(services)
    const chains = all.flatMap(index => [
      ...numbers(backends).map(
        at => `  chain sep-${index}-${at} { meta l4proto tcp dnat to ${server.address}:${server.port}; }`,
      ),
      `  chain svc-${index} { ${verdictsOf(index, backends)}; }`,
    ])
    const elements = all.map(index => `${virtualAddress(index)} . tcp . 80 : goto svc-${index}`)
    return [
      'table ip services {',
      ...chains,
      `  map ips { type ipv4_addr . inet_proto . inet_service : verdict; elements = { ${elements.join(', ')} }; }`,
      '  chain out { type nat hook output priority -100; ip daddr . meta l4proto . th dport vmap @ips; }',
      '}',
      '',
    ].join('\n')
  },
  one(index, backends, server) {
    const chain = `ip services svc-${index}`
    const endpoints = numbers(backends).flatMap(at => [
      `flush chain ip services sep-${index}-${at}`,
      `add rule ip services sep-${index}-${at} meta l4proto tcp dnat to ${server.address}:${server.port}`,
    ])
    return [...endpoints, `flush chain ${chain}`, `add rule ${chain} ${verdictsOf(index, backends)}`, ''].join('\n')
  },
}

const verdictsOf = (index: number, backends: number): string =>
  `numgen random mod ${backends} vmap { ${numbers(backends)
    .map(at => `${at} : goto sep-${index}-${at}`)
    .join(', ')} }`

export const ruleStyles: readonly RuleStyle[] = [iptables, nftables]

/**
 * Has a program read the rules in a network namespace.
 * @returns ms
 * @throws Error with what the program said; ENOENT where it isn't installed
 */
export async function loadRules(netns: string, { command }: RuleStyle, rules: string): Promise<number> {
  const start = performance.now()
  const child = spawn('nsenter', [`--net=/run/netns/${netns}`, ...command], { stdio: ['pipe', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', chunk => {
    said += chunk
  })
  child.stdin.on('error', () => {})
  child.stdin.end(rules)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${said.slice(0, 300)}`)
  return performance.now() - start
}
