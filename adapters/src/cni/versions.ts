import { cniCodes, CniError } from './cni-error.js'

/** Versions of the CNI specification that are answered, each in its own form; the oldest first. */
export const cniVersions = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const
export type CniVersion = (typeof cniVersions)[number]

export const latestCniVersion: CniVersion = '1.1.0'

/** Since when there is each command. */
const since: Readonly<Record<string, CniVersion>> = { CHECK: '0.4.0', STATUS: '1.1.0', GC: '1.1.0' }

export const isAtLeast = (version: CniVersion, least: CniVersion): boolean =>
  cniVersions.indexOf(version) >= cniVersions.indexOf(least)

/** @throws CniError incompatibleVersion for one that isn't known, or that doesn't have the command yet */
export function versionFor(command: string, given: unknown): CniVersion {
  const known = `supported: ${cniVersions.join(', ')}`
  // A configuration without a version is of one before those that are known.
  const version = cniVersions.find(each => each === given)
  if (version === undefined)
    throw new CniError(
      cniCodes.incompatibleVersion,
      `incompatible CNI versions: the configuration has ${JSON.stringify(given ?? '0.1.0')}`,
      known,
    )
  const least = since[command]
  if (least !== undefined && !isAtLeast(version, least))
    throw new CniError(
      cniCodes.incompatibleVersion,
      `version ${version} of the CNI specification has no ${command}`,
      `since ${least}`,
    )
  return version
}
