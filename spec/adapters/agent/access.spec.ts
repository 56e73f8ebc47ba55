import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type AccessGroups, accessOf, roleOf } from '@weir/adapters/agent/access.js'
import { type AgentServer, serve } from '@weir/adapters/agent/server.js'
import { expect } from 'chai'

const [readers, admins, nobody] = [64_001, 64_002, 65_534]
const isRoot = process.getuid?.() === 0
const reason = isRoot ? '' : ': needs root, to be somebody else'

/** Asks as another user, in groups of its own, and prints the status and the error's code. */
const asking = `
  const { request } = require('node:http')
  const [socketPath, method, path, groups] = process.argv.slice(1)
  process.setgroups(JSON.parse(groups).slice(1))
  process.setgid(JSON.parse(groups)[0])
  process.setuid(${nobody})
  request({ socketPath, method, path }, async response => {
    const text = (await response.toArray()).join('')
    console.log(response.statusCode, JSON.parse(text).code ?? '')
  }).on('error', error => console.log(error.code)).end(method === 'POST' ? '{}' : undefined)`

describe('who may ask the agent', () => {
  it('is root, the agent’s own user, and members of groups by their role', () => {
    const role = (uid: number, gid: number, groups: readonly number[] = []): string | undefined =>
      roleOf({ uid, gid, groups }, 1000, new Set([admins]), new Set([readers]))
    expect(role(0, 0)).to.equal('admin')
    expect(role(1000, 1000)).to.equal('admin')
    expect(role(nobody, admins)).to.equal('admin')
    expect(role(nobody, nobody, [7, admins])).to.equal('admin')
    expect(role(nobody, readers)).to.equal('reader')
    expect(role(nobody, nobody, [7, readers])).to.equal('reader')
    expect(role(nobody, readers, [admins])).to.equal('admin')
    expect(role(nobody, nobody)).to.equal(undefined)
    expect(role(admins, nobody)).to.equal(undefined)
  })

  it('takes groups by name, and refuses those that there are not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weir-access-'))
    try {
      const file = join(folder, 'group')
      await writeFile(file, 'root:x:0:\nweirdos:x:7:\nweir:x:64001:alice\n')
      const access = await accessOf({ admins: [], readers: ['weir'] }, file)
      expect(access.mode).to.equal(0o666)
      const failure = await accessOf({ admins: ['wei'], readers: [] }, file).catch((error: Error) => error)
      expect(failure).to.include({ code: 'WEIR_REQUEST_INVALID', message: 'there is no group wei' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  describe(`at a real socket${reason}`, () => {
    let folder = ''
    let server: AgentServer | undefined
    beforeEach(async function () {
      if (!isRoot) return this.skip()
      folder = await mkdtemp(join(tmpdir(), 'weir-access-'))
      await chmod(folder, 0o755)
    })
    afterEach(async () => {
      await server?.close()
      server = undefined
      if (folder !== '') await rm(folder, { recursive: true })
    })

    const listen = async (groups: AccessGroups): Promise<string> => {
      const path = join(folder, 'agent.sock')
      server = await serve(path, await accessOf(groups), async () => ({ kind: 'value', value: {} }))
      return path
    }
    const ask = async (path: string, question: string, groups: readonly number[]): Promise<string> => {
      const [method = '', url = ''] = question.split(' ')
      const words = ['-e', asking, path, method, url, JSON.stringify(groups)]
      return (await promisify(execFile)(process.execPath, words)).stdout.trim()
    }

    it('is opened by nobody else without groups', async () => {
      const path = await listen({ admins: [], readers: [] })
      expect((await stat(path)).mode & 0o777).to.equal(0o600)
      expect(await ask(path, 'GET /v1/status', [nobody])).to.equal('EACCES')
      // Not even where the file lets them.
      await chmod(path, 0o666)
      expect(await ask(path, 'GET /v1/status', [nobody])).to.equal('403 WEIR_FORBIDDEN')
    })

    it('lets readers ask, admins change, and others do neither', async () => {
      const path = await listen({ admins: [String(admins)], readers: [String(readers)] })
      const ways = ['GET /v1/status', 'POST /v1/flows/flush', 'POST /v1/endpoints', 'DELETE /v1/endpoints/a/b']
      const answers = async (groups: readonly number[]): Promise<string[]> =>
        await Promise.all(ways.map(way => ask(path, way, groups)))
      expect(await answers([readers])).to.deep.equal(['200', '200', '403 WEIR_FORBIDDEN', '403 WEIR_FORBIDDEN'])
      expect(await answers([nobody, admins])).to.deep.equal(['200', '200', '200', '200'])
      expect(new Set(await answers([nobody, 64_003]))).to.deep.equal(new Set(['403 WEIR_FORBIDDEN']))
    })
  })
})
