import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { cgroupRoot } from '@weir/adapters/agent/cgroup-root.js'
import { runFolder } from '@weir/adapters/demo/leftovers.js'
import type { ServicesReport } from '@weir/adapters/demo/services/demo.js'
import { netnsFolder } from '@weir/adapters/network/node-network.js'
import { expect } from 'chai'
import { requireKernel, weirCommand } from './stage.js'

describe('weir demo services (needs root, eBPF and a cgroup 2 hierarchy)', function () {
  this.timeout(240_000)

  it('reaches every backend that it should and nobody else, replaces all of them, and leaves nothing', async function () {
    await requireKernel(this)
    const root = cgroupRoot()
    if (root === undefined) return this.skip()
    const words = [weirCommand, 'demo', 'services', '-o', 'json']
    const { code, out, err } = await new Promise<{ code: number; out: string; err: string }>(resolve => {
      const child = execFile(process.execPath, words, (_, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, out: stdout, err: stderr }),
      )
    })
    expect(code, err).equals(0)
    const report = JSON.parse(out) as ServicesReport
    expect(report.wrong).equals(0)
    expect(report.rows.length).greaterThan(12)
    expect(report.rows.flatMap(({ cells }) => cells).every(({ isRight }) => isRight)).equals(true)
    expect(report.rolling.replaced).equals(4)
    for (const { tally } of report.rolling.loads) {
      expect(tally.failures).deep.equals({})
      expect(Object.keys(tally.answers), 'old ones and new ones').has.length(8)
    }
    expect(report.replays.map(({ agrees }) => agrees)).deep.equals([true, true])
    const places = [netnsFolder, root, '/sys/fs/bpf/weir', runFolder, tmpdir()].filter(existsSync)
    const left = places.flatMap(folder => readdirSync(folder).filter(name => name.includes(report.id)))
    expect(left).deep.equals([])
  })
})
