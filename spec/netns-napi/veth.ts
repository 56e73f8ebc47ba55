import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Two namespaces joined by a veth, addresses of both families on it. */
export interface Pair {
  readonly near: Side
  readonly far: Side
  remove(): void
}

export interface Side {
  readonly name: string
  readonly path: string
  readonly device: string
  readonly ipv4: string
  readonly ipv6: string
  /** Without its zone. */
  readonly linkLocal: string
}

export function ip(...words: string[]): string {
  return execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Why namespaces can't be made here; undefined when they can. */
export function namespacesMissing(): string | undefined {
  if (process.getuid?.() !== 0) {
    return 'needs root'
  }
  return existsSync('/proc/self/ns/net') ? undefined : 'needs network namespaces'
}

function side(label: string, number: number): Side {
  const name = `weir-${label}-${process.pid}-${number}`
  const path = `/run/netns/${name}`
  const [ipv4, ipv6, linkLocal] = [`10.77.0.${number}`, `fd77::${number}`, `fe80::${number}`]
  return { name, path, device: 'weirv0', ipv4, ipv6, linkLocal }
}

/** Makes the pair; `label` tells suites apart. What was made is removed again when making it fails half-way. */
export function makePair(label: string): Pair {
  const near = side(label, 1)
  const far = side(label, 2)
  const remove = (): void => {
    for (const { name, path } of [near, far]) {
      if (existsSync(path)) {
        ip('netns', 'del', name)
      }
    }
  }
  try {
    ip('netns', 'add', near.name)
    ip('netns', 'add', far.name)
    ip('link', 'add', near.device, 'netns', near.name, 'type', 'veth', 'peer', 'name', far.device, 'netns', far.name)
    for (const { name, device, ipv4 } of [near, far]) {
      ip('-n', name, 'link', 'set', 'lo', 'up')
      // The kernel's own link-local addresses take a second to be confirmed.
      ip('-n', name, 'link', 'set', device, 'addrgenmode', 'none')
      ip('-n', name, 'addr', 'add', `${ipv4}/24`, 'dev', device)
      ip('-n', name, 'link', 'set', device, 'up')
    }
    for (const { name, device, ipv6, linkLocal } of [near, far]) {
      ip('-n', name, 'addr', 'add', `${ipv6}/64`, 'dev', device, 'nodad')
      ip('-n', name, 'addr', 'add', `${linkLocal}/64`, 'dev', device, 'nodad')
    }
  } catch (error) {
    remove()
    throw error
  }
  return { near, far, remove }
}
