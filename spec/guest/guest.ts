import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Kernel } from './kernels.js'

/** What a guest printed, its script's exit status, and what it cost. */
export interface GuestRun {
  /** What the script printed, both streams. */
  readonly output: string
  /** Undefined when the guest ended before the script did; `console` tells why. */
  readonly exit: number | undefined
  /** All that came by the serial console. */
  readonly console: string
  readonly wallMs: number
  /** Processor time of the emulator. */
  readonly cpuMs: number
}

export interface BootOptions {
  /** Most processor time that it may take: how long that is by the clock, others on the machine decide. */
  readonly cpuMostMs: number
  readonly memoryMegabytes?: number
}

const begin = 'weir-guest: begin'
const end = 'weir-guest: exit '

/** Why no guest can run on this machine; undefined when one can. */
export function whyNoGuest(): string | undefined {
  if (process.arch !== 'x64') return 'the guest kernels are for x86-64'
  for (const command of ['qemu-system-x86_64', 'busybox', 'apt-get', 'dpkg-deb', 'xz']) {
    try {
      execFileSync('sh', ['-c', 'command -v "$0"', command], { stdio: 'ignore' })
    } catch {
      return `needs ${command}`
    }
  }
  return undefined
}

/**
 * Boots a kernel in an emulator, over this machine's own files (read-only), and runs a shell script as its root. In the
 * guest /run is empty and writable, and TMPDIR lies there; /sys/fs/bpf is a BPF file system, /sys/fs/cgroup the hierarchy of
 * version 2. There is no network but loopback. The guest is gone when this resolves.
 */
export async function boot(kernel: Kernel, script: string, options: BootOptions): Promise<GuestRun> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-guest-'))
  const start = performance.now()
  try {
    const initrd = makeInitrd(folder, kernel, script)
    const { text, cpuMs } = await emulate(kernel, initrd, options)
    return { ...readConsole(text), console: text, wallMs: Math.round(performance.now() - start), cpuMs }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** How long a guest may do next to nothing before it is taken to wait for what never comes. */
const stillMostMs = 300_000
const stillCpuMs = 3000
const lookMs = 2000

interface Emulated {
  readonly text: string
  readonly cpuMs: number
}

function emulate(kernel: Kernel, initrd: string, options: BootOptions): Promise<Emulated> {
  const { cpuMostMs, memoryMegabytes = 1536 } = options
  const machine = ['-machine', 'q35', '-accel', 'tcg', '-cpu', 'max', '-smp', '1', '-m', String(memoryMegabytes)]
  const host = 'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap'
  const quiet = ['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', 'stdio']
  const append = 'console=ttyS0 panic=-1 quiet mitigations=off'
  const args = [
    ...machine,
    ...quiet,
    '-kernel',
    kernel.imagePath,
    '-initrd',
    initrd,
    '-virtfs',
    host,
    '-append',
    append,
  ]
  return new Promise((resolve, reject) => {
    const qemu = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    const take = (chunk: Buffer): void => void chunks.push(chunk)
    qemu.stdout.on('data', take)
    qemu.stderr.on('data', take)
    const end = (why: string): void => {
      take(Buffer.from(`\nweir-guest: no end ${why}\n`))
      qemu.kill('SIGKILL')
    }
    let cpuMs = 0
    let moved = { at: performance.now(), cpuMs }
    const timer = setInterval(() => {
      cpuMs = cpuMsOf(qemu.pid) ?? cpuMs
      const now = performance.now()
      if (cpuMs - moved.cpuMs > stillCpuMs) moved = { at: now, cpuMs }
      if (cpuMs > cpuMostMs) end(`after ${cpuMs} ms of processor time`)
      else if (now - moved.at > stillMostMs) end(`in sight: it has stood still for ${stillMostMs} ms`)
    }, lookMs)
    qemu.on('error', reject)
    qemu.on('close', () => {
      clearInterval(timer)
      resolve({ text: Buffer.concat(chunks).toString('utf8').replaceAll('\r', ''), cpuMs })
    })
  })
}

/** Linux counts in hundredths of a second, whatever the kernel's own clock. Undefined when there is no such process. */
function cpuMsOf(pid: number | undefined): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number)
    return ((user ?? 0) + (system ?? 0)) * 10
  } catch {
    return undefined
  }
}

function readConsole(text: string): Pick<GuestRun, 'output' | 'exit'> {
  const from = text.indexOf(`${begin}\n`)
  if (from < 0) return { output: '', exit: undefined }
  const output = text.slice(from + begin.length + 1)
  const to = output.lastIndexOf(end)
  if (to < 0) return { output, exit: undefined }
  return { output: output.slice(0, to), exit: Number.parseInt(output.slice(to + end.length), 10) }
}

/** A file system in memory with busybox, the modules and two scripts: one for the machine, one for its host's files. */
function makeInitrd(folder: string, { modulePaths }: Kernel, script: string): string {
  const root = join(folder, 'root')
  for (const path of ['bin', 'modules', 'proc', 'sys', 'dev', 'host']) mkdirSync(join(root, path), { recursive: true })
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
  copyFileSync(busybox, join(root, 'bin', 'busybox'))
  const names = modulePaths.map(path => basename(path))
  for (const path of modulePaths) copyFileSync(path, join(root, 'modules', basename(path)))
  writeFileSync(join(root, 'script'), script)
  writeFileSync(join(root, 'init'), init(names))
  chmodSync(join(root, 'init'), 0o755)
  const initrd = join(folder, 'initrd')
  execFileSync('sh', ['-c', 'cd "$0" && find . | busybox cpio -o -H newc >"$1" 2>/dev/null', root, initrd])
  return initrd
}

const init = (modules: readonly string[]) => `#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in ${modules.join(' ')}; do
  insmod /modules/$module || echo "weir-guest: $module doesn't load"
done
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=524288,cache=loose host /host || echo 'weir-guest: no host'
mount -t proc proc /host/proc
mount -t sysfs sys /host/sys
mount -t devtmpfs dev /host/dev
mount -t tmpfs run /host/run
mount -t bpf bpf /host/sys/fs/bpf
mount -t cgroup2 cgroup2 /host/sys/fs/cgroup
mkdir -p /host/run/tmp /host/run/netns
cp /script /host/run/script
ip link set lo up
echo '${begin}'
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run/tmp TMPDIR=/run/tmp \\
  chroot /host /bin/sh /run/script 2>&1
echo "${end}$?"
poweroff -f
`
