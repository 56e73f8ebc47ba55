import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Interfaces } from './machine.js'

/** Interfaces that a test run may name, as the kernel wants those to exist; `close` removes them. */
export function makeDevices(): { readonly ifindex: Interfaces; close(): void } {
  const name = (part: string): string => `weirk${process.pid}${part}`
  const ip = (...parameters: string[]): string => execFileSync('ip', parameters, { encoding: 'utf8' })
  const index = (part: string): number => Number(readFileSync(`/sys/class/net/${name(part)}/ifindex`, 'utf8'))
  const pairs = ['a', 'c']
  const close = (): void => {
    for (const part of pairs) {
      try {
        ip('link', 'delete', name(part))
      } catch {
        // Not made, or gone with its other end.
      }
    }
  }
  try {
    ip('link', 'add', name('a'), 'type', 'veth', 'peer', 'name', name('b'))
    ip('link', 'add', name('c'), 'type', 'veth', 'peer', 'name', name('x'))
    return { ifindex: { a: index('a'), b: index('b'), c: index('c'), n: index('x') }, close }
  } catch (cause) {
    close()
    throw cause
  }
}
