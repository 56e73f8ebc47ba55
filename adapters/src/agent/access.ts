import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { WeirError } from '@weir/core'
import type { Question } from './server.js'

/** `reader`: asks, and changes nothing. `admin`: whatever the socket offers. */
export type Role = 'reader' | 'admin'

/** Groups whose members have a role, by name or number. Root and the agent's own user are admins in any case. */
export interface AccessGroups {
  readonly admins: readonly string[]
  readonly readers: readonly string[]
}

/** Who asks, as the kernel says. */
export interface Peer {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
}

/** Who may ask what at the agent's socket. */
export interface Access {
  /** Of the socket's file: whom the kernel lets connect at all. */
  readonly mode: number
  /** @throws WeirError WEIR_FORBIDDEN */
  check(connection: Socket, question: Question): void
}

/**
 * Access by the credentials that the kernel notes of who connects.
 *
 * Without groups, only the agent's user can open the socket. Where the native part isn't built, the file's mode is all
 * there is, and groups are refused.
 *
 * @throws WeirError WEIR_REQUEST_INVALID for a group that there is not
 */
export async function accessOf(groups: AccessGroups, groupFile = '/etc/group'): Promise<Access> {
  const hasGroups = groups.admins.length + groups.readers.length > 0
  const text = hasGroups ? await readFile(groupFile, 'utf8').catch(() => '') : ''
  const [admins, readers] = [groups.admins, groups.readers].map(names => new Set(names.map(name => idOf(name, text))))
  const credentials = await import('netns-napi').then(
    module => module.peerCredentials,
    (error: unknown) => {
      if (hasGroups) throw error
      return undefined
    },
  )
  const own = process.getuid?.() ?? 0
  const roles = new WeakMap<Socket, Role | 'none'>()
  return {
    mode: hasGroups ? 0o666 : 0o600,
    check(connection, question) {
      if (credentials === undefined) return
      let role = roles.get(connection)
      if (role === undefined) {
        role = roleOf(credentials(connection), own, admins!, readers!) ?? 'none'
        roles.set(connection, role)
      }
      const needed = neededRole(question)
      if (role === 'none' || (role === 'reader' && needed === 'admin')) throw forbidden(role, needed, question)
    },
  }
}

/** The role of somebody; undefined for none. */
export function roleOf(
  { uid, gid, groups }: Peer,
  own: number,
  admins: ReadonlySet<number>,
  readers: ReadonlySet<number>,
): Role | undefined {
  if (uid === 0 || uid === own) return 'admin'
  const isIn = (wanted: ReadonlySet<number>): boolean => wanted.has(gid) || groups.some(group => wanted.has(group))
  if (isIn(admins)) return 'admin'
  return isIn(readers) ? 'reader' : undefined
}

/** Whoever wants to see recorded flows has the newest written first: that changes nothing. */
function neededRole({ method, path }: Question): Role {
  return method === 'GET' || (method === 'POST' && path.join('/') === 'flows/flush') ? 'reader' : 'admin'
}

function idOf(name: string, groupFile: string): number {
  if (/^\d+$/.test(name)) return Number(name)
  const line = groupFile.split('\n').find(each => each.startsWith(`${name}:`))
  const id = line?.split(':')[2]
  if (id !== undefined && /^\d+$/.test(id)) return Number(id)
  throw new WeirError('WEIR_REQUEST_INVALID', `there is no group ${name}`, {
    problems: [{ path: 'group', message: 'there is no such group', value: name, expected: 'a group of this machine' }],
  })
}

function forbidden(role: Role | 'none', needed: Role, { method, path }: Question): WeirError<'WEIR_FORBIDDEN'> {
  const target = `${method} /v1/${path.join('/')}`
  const who = role === 'none' ? 'you are in no group that may ask' : 'you may ask, not change'
  return new WeirError('WEIR_FORBIDDEN', `${target} needs the role ${needed}: ${who}`, { role, needed, target })
}
