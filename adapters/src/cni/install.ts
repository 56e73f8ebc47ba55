import { chmod, copyFile, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WeirError } from '@weir/core'
import { cniPlugin } from '../files.js'
import { type CniVersion, cniVersions } from './versions.js'

/** Where container runtimes look for plugins and lists of them, unless they are told otherwise. */
export const cniFolders = { binaries: '/opt/cni/bin', lists: '/etc/cni/net.d' } as const

/** Before those of others: a runtime takes the first by name. */
export const listName = '05-weir.conflist'
export const pluginName = 'weir-cni'

export interface CniInstallation {
  readonly binaries: string
  readonly lists: string
  /** The agent's socket. */
  readonly socketPath: string
}

/** What runtimes can do that don't choose a version: a later one's result they refuse. */
const commonVersion: CniVersion = '1.0.0'

/**
 * The list that is installed, in the version of runtimes that don't look at the choice there is, such as containerd 1.6;
 * later ones take the last that they know. Ports of the node that lead to pods are services here, so that no
 * other plugin is needed.
 */
export function listText(socketPath: string): string {
  const plugins = [{ type: pluginName, socket: socketPath }]
  const versions = { cniVersion: commonVersion, cniVersions }
  return `${JSON.stringify({ ...versions, name: 'weir', plugins }, undefined, 2)}\n`
}

/**
 * Puts the plugin and then its list where runtimes look. Each is there as a whole or not at all, also after a crash; the
 * list, which makes a runtime use it, comes last.
 *
 * @throws WeirError WEIR_PROGRAM_MISSING when the plugin hasn't been built; a system error when a folder can't be written
 */
export async function installCni({ binaries, lists, socketPath }: CniInstallation): Promise<void> {
  const built = fileURLToPath(cniPlugin)
  await place(join(binaries, pluginName), 0o755, async path => {
    await copyFile(built, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && error.path === built)
        throw new WeirError('WEIR_PROGRAM_MISSING', `the CNI plugin isn't built: ${built}`, {
          path: built,
          build: 'node adapters/weir-cni/build.mjs',
        })
      throw error
    })
  })
  await place(join(lists, listName), 0o644, async path => {
    const file = await open(path, 'w')
    await file.writeFile(listText(socketPath))
    await file.close()
  })
}

/** Takes both away, the list first. What isn't there is no error. */
export async function removeCni({ binaries, lists }: Pick<CniInstallation, 'binaries' | 'lists'>): Promise<void> {
  await rm(join(lists, listName), { force: true })
  await rm(join(binaries, pluginName), { force: true })
}

async function place(path: string, mode: number, fill: (path: string) => Promise<void>): Promise<void> {
  const folder = dirname(path)
  const making = join(folder, `.${pluginName}.${process.pid}`)
  await mkdir(folder, { recursive: true })
  try {
    await fill(making)
    await chmod(making, mode)
    await synced(making)
    await rename(making, path)
    await synced(folder)
  } finally {
    await rm(making, { force: true })
  }
}

async function synced(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
