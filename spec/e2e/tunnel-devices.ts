import { execFileSync } from 'node:child_process'
import type { TunnelMode } from '@weir/core/routing/node-ways.js'

/** Why there can be no tunnels of a kind on this kernel; undefined when there can. */
export function whyNoTunnels(mode: TunnelMode): string | undefined {
  try {
    execFileSync('unshare', ['--net', 'ip', 'link', 'add', 'probe', 'type', mode, 'external'], { stdio: 'pipe' })
    return undefined
  } catch {
    return `the kernel has no ${mode} devices, or this is not root`
  }
}
