import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { expect } from 'chai'
import { type BpfObject, loadObject } from 'ebpf-napi'
import type { Context } from 'mocha'
import { failureOf } from './failure.js'
import { needsBpf } from './needs.js'
import { compiled } from './programs.js'

function cgroupRoot(context: Context): string {
  const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1]
  if (mount === undefined) {
    if (context.test !== undefined) {
      context.test.title += ' [needs a mounted cgroup2]'
    }
    return context.skip()
  }
  return mount
}

/** Connects from a process inside a cgroup; what it printed. */
function connectFrom(cgroup: string, port: number): string {
  const script = `
    const { writeFileSync } = require('node:fs')
    writeFileSync(process.argv[1] + '/cgroup.procs', String(process.pid))
    const socket = require('node:net').connect(Number(process.argv[2]), '127.0.0.1')
    socket.on('connect', () => { process.stdout.write('connected'); socket.destroy() })
    socket.on('error', error => process.stdout.write(error.code))`
  return spawnSync(process.execPath, ['-e', script, cgroup, String(port)], { encoding: 'utf8', timeout: 5000 }).stdout
}

describe('ebpf-napi: attaching to a cgroup', () => {
  let object: BpfObject
  let server: Server
  let cgroup = ''
  let port = 0

  before(async function () {
    needsBpf(this)
    cgroup = `${cgroupRoot(this)}/weir-test-${process.pid}`
    mkdirSync(cgroup)
    object = loadObject(compiled('basics'))
    server = createServer(socket => socket.destroy())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
  })

  after(() => {
    object?.close()
    server?.close()
    if (cgroup !== '' && existsSync(cgroup)) {
      rmdirSync(cgroup)
    }
  })

  it('decides over connects of its processes, and is replaced atomically', function () {
    this.timeout(10_000)
    expect(connectFrom(cgroup, port)).to.equal('connected')
    const link = object.programs.get('refuse_connect4')?.attachCgroup(cgroup, 'cgroup_inet4_connect')
    try {
      expect(link?.type).to.equal('cgroup')
      expect(connectFrom(cgroup, port)).to.equal('EPERM')
      const allow = object.programs.get('allow_connect4')
      if (allow !== undefined) {
        link?.update(allow)
      }
      expect(connectFrom(cgroup, port)).to.equal('connected')
    } finally {
      link?.close()
    }
    expect(connectFrom(cgroup, port)).to.equal('connected')
  })

  it('says what it does not know', () => {
    const program = object.programs.get('refuse_connect4')
    expect(failureOf(() => program?.attachCgroup(cgroup, 'nonsense')).code).to.equal('ERR_EBPF_ARGUMENT')
    expect(failureOf(() => program?.attachCgroup('/nonesuch', 'cgroup_inet4_connect'))).to.deep.include({
      code: 'ENOENT',
      call: 'open',
    })
    expect(failureOf(() => program?.attachCgroup(cgroup, 'cgroup_inet6_connect'))).to.deep.include({
      code: 'EINVAL',
      call: 'bpf(BPF_LINK_CREATE)',
    })
  })
})
