import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { runWeir } from './run.js'

describe('weir agent', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-agent-'))
  after(() => rmSync(folder, { recursive: true }))
  const places = ['--state', join(folder, 'state'), '--socket', join(folder, 'agent.sock')]

  for (const [wrong, message] of [
    ['--map-size cells', 'MAP=ENTRIES is expected'],
    ['--map-size weir_counters=9', 'MAP=ENTRIES is expected'],
    ['--map-size cells=0', 'from 1 to'],
    ['--map-size cells=1e9', 'from 1 to'],
    ['--attach xdp', 'Allowed choices are auto, tcx, clsact'],
    ['--node-address bogus', 'nodeAddresses[0]: this is not an IP address'],
    ['--pod-cidr 10.0.0.0/99', 'podCidrs[0]: this is not a CIDR'],
  ] as const)
    it(`doesn't start with ${wrong}`, async () => {
      const { code, err } = await runWeir(['agent', '--backend', 'memory', ...places, ...wrong.split(' ')], folder)
      expect(err).to.contain(message)
      expect(code).to.equal(2)
    })

  it('takes sizes of maps by either name, as often as given', async () => {
    const sizes = ['--attach', 'clsact', '--map-size', 'cells=100', '--map-size', 'weir_addr4=200']
    const words = ['agent', '--backend', 'memory', ...places, ...sizes]
    const { code, err } = await runWeir(words, folder, AbortSignal.abort())
    expect(err).to.contain('memory backend')
    expect(code).to.equal(0)
  })
})
