import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { compiled } from '../ebpf-napi/programs.js'
import { boot, type GuestRun } from './guest.js'
import { guests, quoted } from './guests.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const cpuMostMs = 1_800_000
/** Busy processors share what is left: the guest's own limit counts what it got. */
const timeoutMs = 7_200_000
const patience = 10

const mocha = `WEIR_PATIENCE=${patience} node node_modules/mocha/bin/mocha.js --exit --no-colors`
const script = `cd ${quoted(root)} || exit 1
${mocha} --grep 'of geneve' spec/dist/e2e/north-tunnels.spec.js
echo "north: exit $?"
${mocha} spec/dist/e2e/cluster-geneve.spec.js
echo "cluster: exit $?"
`

// Kernels that test machines run have no such device; the oldest guest has.
const [guest] = guests

describe(`tunnels of Geneve, emulated: ${guest?.name}`, function () {
  this.timeout(timeoutMs)
  let run: GuestRun

  before(async function () {
    if (guest?.kernel === undefined) return this.skip()
    // The guest only reads this machine's files.
    compiled('basics')
    run = await boot(guest.kernel, script, { cpuMostMs, memoryMegabytes: 3072 })
  })

  const passesAll = (part: RegExp): void => {
    const [, said = run.console, exit] = part.exec(run.output) ?? []
    expect(exit, said.slice(-8000)).to.equal('0')
    expect(said)
      .to.match(/^ +\d+ passing/m)
      .and.not.match(/^ +\d+ pending/m)
  }

  it('lead clients to backends on another node, in both families, as those of VXLAN do', () =>
    passesAll(/([\s\S]*)north: exit (\d+)/))

  it('join nodes, each with its own agent, as those of VXLAN do', () =>
    passesAll(/north: exit \d+\n([\s\S]*)cluster: exit (\d+)/))
})
