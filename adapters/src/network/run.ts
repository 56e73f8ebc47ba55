import { execFile } from 'node:child_process'
import { WeirError } from '@weir/core'

/** Most output that is read of one command; more is an error, not a silent cut. */
const outputLimitBytes = 64 * 1024 * 1024

/**
 * Runs a program without a shell.
 *
 * @param input What it reads on standard input.
 * @returns its standard output.
 * @throws WeirError WEIR_NETWORK_COMMAND when it can't be started, or ends with a status other than 0.
 */
export function run(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...args],
      { maxBuffer: outputLimitBytes, encoding: 'utf8' },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout)
        reject(
          new WeirError(
            'WEIR_NETWORK_COMMAND',
            `${[program, ...args].join(' ')}: ${firstLine(stderr) || error.message}`,
            { command: [program, ...args].join(' '), detail: stderr.trim() || error.message },
            { cause: error },
          ),
        )
      },
    )
    // A program that ends before it has read everything closes the pipe; its status says what went wrong.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

/**
 * Runs lines through one `ip -batch`, in a namespace when one is named.
 *
 * @param options.force Go on after a line that fails, and don't call it an error: for clean-up.
 * @throws WeirError WEIR_NETWORK_COMMAND with the line that failed.
 */
export async function ipBatch(
  lines: readonly string[],
  options: { readonly netns?: string; readonly force?: boolean } = {},
): Promise<void> {
  if (lines.length === 0) return
  const args = [
    ...(options.netns === undefined ? [] : ['-n', options.netns]),
    ...(options.force ? ['-force'] : []),
    '-batch',
    '-',
  ]
  try {
    await run('ip', args, `${lines.join('\n')}\n`)
  } catch (error) {
    if (!(error instanceof WeirError) || error.code !== 'WEIR_NETWORK_COMMAND') throw error
    if (options.force) return
    const { command, detail } = error.payload as { command: string; detail: string }
    const number = Number(/Command failed -:(\d+)/.exec(detail)?.[1] ?? 0)
    const line = lines[number - 1]
    const message = line === undefined ? error.message : `ip ${line}: ${firstLine(detail)}`
    throw new WeirError(
      'WEIR_NETWORK_COMMAND',
      message,
      { command: line === undefined ? command : `ip ${line}`, detail },
      { cause: error },
    )
  }
}

/** What `ip -json` says of the links of a namespace: name → index and MAC address. */
export async function linksOf(
  netns: string,
): Promise<ReadonlyMap<string, { readonly ifindex: number; readonly mac: string }>> {
  const rows = JSON.parse(await run('ip', ['-n', netns, '-json', 'link', 'show'])) as {
    readonly ifname: string
    readonly ifindex: number
    readonly address?: string
  }[]
  return new Map(rows.map(row => [row.ifname, { ifindex: row.ifindex, mac: row.address ?? '' }]))
}

/** What makes a namespace pass on packets between pods and nodes, whichever way they come. */
export const routerSysctls = {
  'ipv4/ip_forward': 1,
  'ipv6/conf/all/forwarding': 1,
  'ipv4/conf/all/rp_filter': 0,
  'ipv4/conf/default/rp_filter': 0,
  // A redirect would tell pods to talk to each other directly, which on host-length addresses can't work.
  'ipv4/conf/all/send_redirects': 0,
  'ipv4/conf/default/send_redirects': 0,
}

/**
 * Writes one value to several files below /proc/sys/net of a namespace. What /proc/sys/net shows follows the namespace
 * of the process that opens it, so `tee` does the writing from inside.
 */
export async function setSysctls(netns: string, values: Readonly<Record<string, number>>): Promise<void> {
  const byValue = new Map<number, string[]>()
  for (const [path, value] of Object.entries(values)) {
    const paths = byValue.get(value) ?? []
    paths.push(`/proc/sys/net/${path}`)
    byValue.set(value, paths)
  }
  for (const [value, paths] of byValue)
    await run('nsenter', [`--net=/run/netns/${netns}`, 'tee', ...paths], `${value}\n`)
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? ''
}
