import { readFileSync } from 'node:fs'

/** Where the cgroup 2 hierarchy is mounted, the first one of several; undefined where there is none. */
export function cgroupRoot(): string | undefined {
  try {
    const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1]
    return mount?.replaceAll(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
  } catch {
    return undefined
  }
}
