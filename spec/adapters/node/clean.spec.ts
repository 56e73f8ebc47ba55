import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findTraces } from '@weir/adapters/node/clean.js'
import { createKernelBackend } from '@weir/datapath/kernel/backend.js'
import { kernelTraces } from '@weir/datapath/kernel/traces.js'
import { expect } from 'chai'
import { capabilities, createMap, queryClsact, queryTcx } from 'ebpf-napi'
import { execFileSync } from 'node:child_process'

const { CAP_BPF, CAP_NET_ADMIN, CAP_SYS_ADMIN } = capabilities()
const reason = CAP_SYS_ADMIN || (CAP_BPF && CAP_NET_ADMIN) ? undefined : 'needs CAP_BPF and CAP_NET_ADMIN'
const link = `wrcl${process.pid % 100_000}`
const other = `clean.other-${process.pid}`
const names = [`clean.tcx-${process.pid}`, `clean.clsact-${process.pid}`, other]
const small = { weir_ct4: 1024, weir_ct6: 1024, weir_addr4: 1024, weir_addr6: 1024, weir_rows: 4096 }

describe(`the end of an agent${reason === undefined ? '' : `: ${reason}`}`, () => {
  let folder = ''
  let ifindex = 0
  before(async function () {
    if (reason !== undefined) return this.skip()
    folder = await mkdtemp(join(tmpdir(), 'weir-clean-'))
    execFileSync('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', `${link}p`])
    const [found] = JSON.parse(execFileSync('ip', ['-j', 'link', 'show', link], { encoding: 'utf8' })) as [
      { ifindex: number },
    ]
    ifindex = found.ifindex
  })
  after(async () => {
    if (reason !== undefined) return
    for (const { node, remove } of kernelTraces('/sys/fs/bpf')) if (names.includes(node)) remove()
    execFileSync('ip', ['link', 'delete', link])
    await rm(folder, { recursive: true, force: true })
  })

  const traces = (node: string) =>
    findTraces({
      cni: { binaries: folder, lists: folder },
      bpffs: '/sys/fs/bpf',
      node,
      socketPath: join(folder, 'agent.sock'),
      stateFolder: join(folder, 'state'),
    })

  for (const attach of ['tcx', 'clsact'] as const)
    it(`leaves nothing in the kernel that an agent with ${attach} had there, and nothing beside`, async () => {
      const node = `clean.${attach}-${process.pid}`
      for (const name of [node, other]) {
        const backend = createKernelBackend({ node: name, attach, maxEntries: small })
        if (name === node) backend.attach({ ifindex, ifname: link })
        backend.close()
      }
      await mkdir(join(folder, 'state'))
      for (const name of ['agent.sock', '05-weir.conflist', 'weir-cni']) await writeFile(join(folder, name), '')
      execFileSync('ip', ['route', 'add', '198.18.7.0/24', 'dev', 'lo', 'proto', '119'])
      const found = await traces(node)
      expect(found.map(({ kind }) => kind)).to.deep.equal(['cni', 'cni', 'pins', 'routes', 'socket', 'state'])
      expect(found[2]!.contents).to.match(new RegExp(`^[1-9]\\d* maps, 0 programs at a cgroup, programs at ${link}$`))
      const attached = (): boolean =>
        attach === 'tcx'
          ? queryTcx(ifindex, 'ingress').programs.length > 0
          : queryClsact(ifindex, 'ingress') !== undefined
      expect(attached()).to.equal(true)
      for (const trace of found) await trace.remove()
      expect(attached()).to.equal(false)
      expect(await traces(node)).to.deep.equal([])
      expect(existsSync(join(folder, 'state'))).to.equal(false)
      // Another node of this kernel keeps what it has.
      const [kept] = await traces(other)
      expect(kept!.contents).to.include('programs at no interface')
      await kept!.remove()
    })

  it('takes what is no link away with the pins of its node, and leaves alone what is no node’s', async () => {
    const node = `clean.tcx-${process.pid}`
    const foreign = `%wr-${process.pid}`
    const at = (...path: string[]): string => join('/sys/fs/bpf/weir', ...path)
    const places = [
      at(folderOf(node), 'sockets', 'weir_connect4'),
      at(folderOf(node), 'links', `${ifindex}-ingress-${link}`),
      at(foreign),
    ]
    createKernelBackend({ node, maxEntries: small }).close()
    const map = createMap({ type: 'hash', name: 'foreign', keySize: 4, valueSize: 4, maxEntries: 1 })
    try {
      for (const place of places) map.pin(place)
      for (const trace of await traces(node)) if (trace.kind === 'pins') await trace.remove()
      expect(places.map(place => existsSync(place))).to.deep.equal([false, false, true])
      expect(kernelTraces('/sys/fs/bpf').map(({ path }) => path)).not.to.include(at(foreign))
    } finally {
      map.close()
      await rm(at(foreign), { force: true })
    }
  })
})

/** As directories of pins are called: without dots. */
const folderOf = (node: string): string => node.replaceAll('.', '%2e')
