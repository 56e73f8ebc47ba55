import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { cgroupRoot } from '@weir/adapters/agent/cgroup-root.js'
import type { ClusterReport } from '@weir/adapters/demo/cluster/demo.js'
import { runFolder } from '@weir/adapters/demo/leftovers.js'
import { netnsFolder } from '@weir/adapters/network/node-network.js'
import { expect } from 'chai'
import { requireKernel, weirCommand } from './stage.js'

describe('weir demo cluster (needs root and eBPF)', function () {
  this.timeout(600_000)

  it('agrees with the oracle in every step, breaks no connection of other nodes, and leaves nothing', async function () {
    await requireKernel(this)
    const { code, out, err } = await new Promise<{ code: number; out: string; err: string }>(resolve => {
      const child = execFile(process.execPath, [weirCommand, 'demo', 'cluster', '-o', 'json'], (_, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, out: stdout, err: stderr }),
      )
    })
    expect(code, err).equals(0)
    const report = JSON.parse(out) as ClusterReport
    expect(report.wrong, err).equals(0)
    expect(report.steps).has.length(7)
    for (const { tried, allowed, across, streams } of report.steps) {
      expect(allowed)
        .greaterThan(tried / 2)
        .and.lessThan(tried)
      expect(across).greaterThan(tried / 3)
      expect(streams.open).equals(2)
      expect(streams.answers).greaterThan(10)
    }
    const places = [netnsFolder, cgroupRoot() ?? '', '/sys/fs/bpf', runFolder, tmpdir()].filter(existsSync)
    const left = places.flatMap(folder => readdirSync(folder).filter(name => name.includes(report.id)))
    expect(left).deep.equals([])
  })
})
