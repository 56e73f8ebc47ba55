import { type Problem, WeirError } from '@weir/core'
import { isSystemError } from '../exit.js'
import { printable } from '../printable.js'
import type { Colour } from '../terminal.js'

/** What to do about an error, by code; an error's message says what is wrong. `docs/errors.md` has the long form. */
const remedies: Readonly<Record<string, string>> = {
  WEIR_AGENT_UNREACHABLE: 'start `weir agent` or `weir demo --keep`, or name another socket with --socket',
  WEIR_NETWORK_COMMAND: 'needs root, iproute2 and util-linux',
  WEIR_INTAKE_STOPPED: 'repair the cause, then start the agent again',
  WEIR_CAPABILITY_MISSING: 'run as root, or with --backend memory, which judges packets without the kernel',
  WEIR_CGROUP_UNUSABLE: 'name a directory of the cgroup 2 hierarchy: weir agent --cgroup PATH, or none',
  WEIR_BPFFS_MISSING: 'mount one: mount -t bpf bpffs /sys/fs/bpf',
  WEIR_KERNEL_UNSUPPORTED: 'Linux 5.10 or newer is needed; --backend memory works everywhere',
  WEIR_PROGRAM_MISSING: 'build it: npm run build',
  WEIR_LOG_UNREADABLE:
    'check the path; a broken log is replaced by a copy of its folder, or by an export: weir log import',
  WEIR_LOG_DAMAGED: 'weir log verify says what is wrong and where',
  EACCES: 'needs root',
  EPERM: 'needs root',
  ENOSPC: 'free some space on the disk',
}

/** An error as lines for a person: what, where, what would be right, what to do. No stack. */
export function errorLines(error: unknown, colour: Colour): readonly string[] {
  if (!(error instanceof Error)) return [`${colour.bad('weir:')} ${String(error)}`]
  const code = error instanceof WeirError ? error.code : isSystemError(error) ? (error.code ?? '') : ''
  const lines = [`${colour.bad('weir:')} ${error.message}${code === '' ? '' : colour.dim(` (${code})`)}`]
  for (const problem of problemsOf(error)) lines.push(`  ${problemLine(problem)}`)
  const near = nearOf(error)
  if (near.length > 0) lines.push(`  there is: ${near.join(', ')}`)
  const remedy = remedies[code]
  if (remedy !== undefined) lines.push(`  ${remedy}`)
  return lines
}

/** `web.yaml:12: spec.ingress[0].ports[0].port: no port has this number: 99999; expected 1 to 65535` */
export function problemLine(problem: Problem): string {
  const place = [problem.file, problem.line].filter(part => part !== undefined).join(':')
  const parts = [place, problem.path, problem.message].filter(part => part !== '')
  const value = problem.value === undefined ? '' : `: ${problem.value}`
  const expected = problem.expected === undefined ? '' : `; expected ${problem.expected}`
  return printable(`${parts.join(': ')}${value}${expected}`)
}

function problemsOf(error: Error): readonly Problem[] {
  if (!(error instanceof WeirError)) return []
  const { problems } = error.payload as { problems?: readonly Problem[] }
  return problems ?? []
}

function nearOf(error: Error): readonly string[] {
  if (!(error instanceof WeirError)) return []
  const { near } = error.payload as { near?: readonly string[] }
  return near ?? []
}
