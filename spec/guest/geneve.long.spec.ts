import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { compiled } from '../ebpf-napi/programs.js'
import { boot } from './guest.js'
import { guests, quoted } from './guests.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const cpuMostMs = 900_000
/** Busy processors share what is left: the guest's own limit counts what it got. */
const timeoutMs = 7_200_000
const patience = 10

const script = `cd ${quoted(root)} || exit 1
WEIR_PATIENCE=${patience} node node_modules/mocha/bin/mocha.js --exit --no-colors --grep 'of geneve' spec/dist/e2e/north-tunnels.spec.js
echo "geneve: exit $?"
`

// Kernels that test machines run have no such device; the oldest guest has.
const [guest] = guests

describe(`tunnels of Geneve, emulated: ${guest?.name}`, function () {
  this.timeout(timeoutMs)

  it('lead clients to backends on another node, in both families, as those of VXLAN do', async function () {
    if (guest?.kernel === undefined) return this.skip()
    // The guest only reads this machine's files.
    compiled('basics')
    const run = await boot(guest.kernel, script, { cpuMostMs, memoryMegabytes: 2560 })
    const [, said = run.console, exit] = /([\s\S]*)geneve: exit (\d+)/.exec(run.output) ?? []
    expect(exit, said.slice(-8000)).to.equal('0')
    expect(said)
      .to.match(/^ +\d+ passing/m)
      .and.not.match(/^ +\d+ pending/m)
  })
})
