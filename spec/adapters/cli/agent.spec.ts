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
    ['--nat-port-range 5000', 'FROM-TO is expected'],
    ['--nat-port-range 0-9', 'FROM-TO is expected'],
    ['--nat-port-range 9-8', 'FROM-TO is expected'],
    ['--nat-port-range 9-65536', 'FROM-TO is expected'],
    ['--fail-safe-port 0', 'A port from 1 to 65535 is expected'],
    ['--fail-safe-port ssh', 'A port from 1 to 65535 is expected'],
    ['--maglev-table-size 1000', 'One of 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071 is expected'],
    ['--maglev-hash-seed secret', '12 bytes in base64 are expected'],
    ['--attach xdp', 'Allowed choices are auto, tcx, clsact'],
    ['--node-address bogus', 'nodeAddresses[0]: this is not an IP address'],
    ['--pod-cidr 10.0.0.0/99', 'podCidrs[0]: this is not a CIDR'],
  ] as const)
    it(`doesn't start with ${wrong}`, async () => {
      const { code, err } = await runWeir(['agent', '--backend', 'memory', ...places, ...wrong.split(' ')], folder)
      expect(err).to.contain(message)
      expect(code).to.equal(2)
    })

  for (const [given, held] of [
    [[], 'fail-safe ports 22, 6443 if one does'],
    [['--fail-safe-port', '2222', '22', '--fail-safe-port', '6443'], 'fail-safe ports 22, 2222, 6443 if one does'],
    [['--no-fail-safe-port', '--no-device'], 'no fail-safe ports if one does'],
  ] as const)
    it(`keeps open what it is told to: ${given.join(' ') || 'nothing said'}`, async () => {
      const own = ['--state', join(folder, `state-${given.length}`), '--socket', join(folder, 'agent.sock')]
      const stop = new AbortController()
      const running = runWeir(['agent', '--backend', 'memory', ...own, ...given], folder, stop.signal)
      try {
        let shown = ''
        for (let tries = 0; tries < 100 && !shown.includes('Host '); tries++) {
          shown = (await runWeir(['status', '--socket', join(folder, 'agent.sock')], folder)).out.join('\n')
          await new Promise(resolve => setTimeout(resolve, 20))
        }
        expect(shown).to.contain(`Host       no policy selects it; ${held}`)
      } finally {
        stop.abort()
      }
      expect((await running).code).to.equal(0)
    })

  it('says what else has ports that translated flows are to have', async () => {
    for (const [range, said] of [
      ['2000-2999', false],
      ['29000-30000', true],
    ] as const) {
      const words = ['agent', '--backend', 'memory', ...places, '--nat-port-range', range]
      const { code, err } = await runWeir(words, folder, AbortSignal.abort())
      expect(err.includes(`ports ${range} for translated flows overlap node ports 30000-32767`)).to.equal(said)
      expect(code).to.equal(0)
    }
  })

  it('takes sizes of maps by either name, as often as given, and of Maglev tables', async () => {
    const tables = ['--maglev-table-size', '65521', '--maglev-hash-seed', 'JLfvgnHc2kaSUFaI']
    const sizes = [...tables, '--attach', 'clsact', '--map-size', 'cells=100', '--map-size', 'weir_addr4=200']
    const words = ['agent', '--backend', 'memory', ...places, ...sizes]
    const { code, err } = await runWeir(words, folder, AbortSignal.abort())
    expect(err).to.contain('memory backend')
    expect(code).to.equal(0)
  })
})
