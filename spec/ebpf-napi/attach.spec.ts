import { existsSync } from 'node:fs'
import { expect } from 'chai'
import {
  type BpfLink,
  type BpfObject,
  type BpfProgram,
  clsactFilter,
  destroyClsact,
  deviceDriver,
  linkById,
  loadObject,
  openPinnedLink,
  queryClsact,
  queryTcx,
  type TcxOptions,
} from 'ebpf-napi'
import { ifindexIn, pingIn } from 'netns-napi'
import { makePair, type Pair } from '../netns-napi/veth.js'
import { freshBpffs } from './bpffs.js'
import { readU64, u32 } from './bytes.js'
import { failureOf } from './failure.js'
import { needsBpf, needsKernel, needsNamespaces } from './needs.js'
import { compiled } from './programs.js'

describe('ebpf-napi: attaching to devices of a namespace', () => {
  let object: BpfObject
  let pair: Pair
  let bpffs: ReturnType<typeof freshBpffs>
  let ifindex: number
  let netns: string

  const program = (name: string): BpfProgram => object.programs.get(name) as BpfProgram
  const reaches = (timeoutMs = 150): Promise<boolean> => pingIn(pair.near.path, pair.far.ipv4, { timeoutMs })
  const countOf = (slot: number): bigint => readU64(object.maps.get('runs')?.lookup(u32(slot)))

  before(async function () {
    needsBpf(this)
    needsNamespaces(this)
    pair = makePair('attach')
    bpffs = freshBpffs()
    object = loadObject(compiled('basics'))
    netns = pair.far.path
    ifindex = ifindexIn(netns, pair.far.device)
    expect(await reaches(2000)).to.equal(true)
  })

  after(() => {
    object?.close()
    pair?.remove()
    bpffs?.remove()
  })

  for (const mode of ['native', 'generic', 'auto'] as const) {
    it(`XDP, ${mode}: the program runs, is replaced atomically and goes with its link`, async () => {
      const link = program('xdp_drop').attachXdp(ifindex, mode, { netns })
      try {
        expect(link.info()).to.deep.include({ type: 'xdp', programId: program('xdp_drop').id, ifindex })
        expect(await reaches()).to.equal(false)
        expect(failureOf(() => program('xdp_drop').attachXdp(ifindex, mode, { netns })).code).to.equal('EBUSY')
        link.update(program('xdp_swap_first'))
        expect(link.info().programId).to.equal(program('xdp_swap_first').id)
      } finally {
        link.close()
      }
      expect(await reaches()).to.equal(true)
    })
  }

  it('tells what drives a device', () => {
    expect(deviceDriver(ifindex, { netns })).to.equal('veth')
    expect(failureOf(() => deviceDriver(99_999, { netns })).code).to.equal('ENODEV')
  })

  it('TCX: programs run in the order asked for', async function () {
    needsKernel(this, 6, 6)
    const count = program('tc_count_and_continue')
    const before = countOf(1)
    const links: BpfLink[] = []
    const attach = (name: string, options: TcxOptions): BpfLink => {
      const link = program(name).attachTcx(ifindex, 'ingress', { netns, ...options })
      links.push(link)
      return link
    }
    try {
      const drop = attach('tc_drop', {})
      const first = attach('tc_count_and_continue', { before: program('tc_drop').id })
      const { programs, revision } = queryTcx(ifindex, 'ingress', { netns })
      expect(programs).to.deep.equal([
        { programId: count.id, linkId: first.id },
        { programId: program('tc_drop').id, linkId: drop.id },
      ])
      expect(queryTcx(ifindex, 'egress', { netns }).programs).to.deep.equal([])
      expect(await reaches()).to.equal(false)
      expect(Number(countOf(1) - before)).to.be.greaterThan(0)

      expect(failureOf(() => attach('tc_mark', { expectedRevision: revision + 5n })).code).to.equal('ESTALE')
      const middle = attach('tc_mark', { after: count.id, expectedRevision: revision })
      const head = attach('tc_answer', { before: 'all' })
      const order = queryTcx(ifindex, 'ingress', { netns }).programs.map(entry => entry.programId)
      const names = ['tc_answer', 'tc_count_and_continue', 'tc_mark', 'tc_drop']
      expect(order).to.deep.equal(names.map(name => program(name).id))
      head.close()
      middle.close()

      drop.update(program('tc_mark'))
      expect(await reaches()).to.equal(true)
    } finally {
      for (const link of links) {
        link.close()
      }
    }
    expect(queryTcx(ifindex, 'ingress', { netns }).programs).to.deep.equal([])
  })

  it('TCX: a pinned link outlives its handle, is found again and detached', async function () {
    needsKernel(this, 6, 6)
    const path = `${bpffs.path}/link`
    const link = program('tc_drop').attachTcx(ifindex, 'ingress', { netns, after: 'all' })
    link.pin(path)
    link.close()
    expect(await reaches()).to.equal(false)
    const found = openPinnedLink(path)
    expect(found).to.include({ id: link.id, type: 'tcx' })
    const same = linkById(found.id)
    expect(same.info().programId).to.equal(program('tc_drop').id)
    same.close()
    found.detach()
    expect(await reaches()).to.equal(true)
    found.unpin(path)
    expect(existsSync(path)).to.equal(false)
    found.close()
  })

  it('TCX: wrong places and orders are refused', function () {
    needsKernel(this, 6, 6)
    const attach = (index: number, options: object): string =>
      failureOf(() => program('tc_drop').attachTcx(index, 'ingress', { netns, ...options })).code
    expect(attach(9999, {})).to.equal('ENODEV')
    expect(attach(ifindex, { before: 1, after: 2 })).to.equal('ERR_EBPF_ARGUMENT')
    expect(attach(ifindex, { before: program('tc_answer').id })).to.equal('ENOENT')
    expect(failureOf(() => queryTcx(9999, 'egress', { netns })).code).to.equal('ENODEV')
    expect(failureOf(() => linkById(0xffff_fff0)).code).to.equal('ENOENT')
  })

  it('clsact: one place holds one program, which stays until it is taken away', async () => {
    const place = { netns, handle: 7, priority: 3 }
    try {
      expect(queryClsact(ifindex, 'ingress', place)).to.equal(undefined)
      const filter = program('tc_drop').attachClsact(ifindex, 'ingress', place)
      expect(filter).to.include({ ifindex, direction: 'ingress', handle: 7, priority: 3 })
      expect(queryClsact(ifindex, 'ingress', place)).to.equal(program('tc_drop').id)
      expect(queryClsact(ifindex, 'egress', place)).to.equal(undefined)
      expect(await reaches()).to.equal(false)
      program('tc_count_and_continue').attachClsact(ifindex, 'ingress', place)
      expect(queryClsact(ifindex, 'ingress', place)).to.equal(program('tc_count_and_continue').id)
      expect(await reaches()).to.equal(true)
      program('tc_drop').attachClsact(ifindex, 'egress', { netns })
      expect(await reaches()).to.equal(false)
      clsactFilter(ifindex, 'egress', { netns }).detach()
      expect(await reaches()).to.equal(true)
      filter.detach()
      expect(queryClsact(ifindex, 'ingress', place)).to.equal(undefined)
      expect(failureOf(() => filter.detach())).to.deep.include({ call: 'bpf_tc_detach', code: 'ENOENT' })
    } finally {
      destroyClsact(ifindex, { netns })
    }
    expect(failureOf(() => destroyClsact(ifindex, { netns })).call).to.equal('bpf_tc_hook_destroy')
    expect(failureOf(() => program('tc_drop').attachClsact(9999, 'ingress', { netns })).code).to.equal('ENODEV')
  })

  it('names a namespace that is none', () => {
    const attach = (path: string): string =>
      failureOf(() => program('tc_drop').attachClsact(ifindex, 'ingress', { netns: path })).message
    expect(attach('/run/netns/weir-nonesuch')).to.match(/open: ENOENT: \/run\/netns\/weir-nonesuch/)
    expect(attach('/etc/hostname')).to.match(/setns: EINVAL/)
  })
})
