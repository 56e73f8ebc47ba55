import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = fileURLToPath(new URL('../../../bpf/', import.meta.url))
const seconds = 60

describe('fuzzed packets', () => {
  let folder: string

  before(function () {
    this.timeout(180_000)
    execFileSync(process.execPath, [join(root, 'build.mjs'), 'fuzz'], { stdio: 'pipe' })
    folder = mkdtempSync(join(tmpdir(), 'weir-fuzz-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it(`${seconds} seconds of them read no byte out of bounds, pass no denied flow, spoil no checksum`, function () {
    this.timeout((seconds + 60) * 1000)
    expect(fuzz('fuzz-packets', '-max_len=2048'), 'inputs tried').to.be.greaterThan(10_000)
  })

  it(`${seconds} seconds of flows to services reach listed backends alone, under right names and sums`, function () {
    this.timeout((seconds + 60) * 1000)
    // Inputs are whole stories: short ones, with which it would begin, open hardly a flow.
    expect(fuzz('fuzz-services', '-max_len=1024', '-len_control=0'), 'inputs tried').to.be.greaterThan(300)
  })

  /** How many inputs it tried; throws with those that it failed at. */
  function fuzz(name: string, ...more: readonly string[]): number {
    const parameters = [`-max_total_time=${seconds}`, '-rss_limit_mb=2048', `-artifact_prefix=${folder}/`, ...more]
    const { status, stderr } = spawnSync(join(root, 'out', name), parameters, {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' },
    })
    const found = readdirSync(folder).map(name => `${name}: ${readFileSync(join(folder, name)).toString('hex')}`)
    expect(status, `${found.join('\n')}\n${stderr.slice(-8000)}`).to.equal(0)
    return Number(/Done (\d+) runs/.exec(stderr)?.[1])
  }
})
