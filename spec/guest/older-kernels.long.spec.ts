import { fileURLToPath } from 'node:url'
import type { DemoReport } from '@weir/adapters/demo/report.js'
import { expect } from 'chai'
import { boot, type GuestRun } from './guest.js'
import { guests, quoted } from './guests.js'
import { marker, type SessionOf, type SessionReport } from './session-report.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const sessionPath = fileURLToPath(new URL('./session.js', import.meta.url))
const cpuMostMs = 900_000
/** Busy processors share what is left: the guest's own limit counts what it got. */
const timeoutMs = 7_200_000

/** What each kernel is to say of itself. */
const expected = {
  '6.1': { attach: 'clsact', sweep: 'program', coarseClock: true, redirectPeer: true, sockets: 'cgroup' },
  '6.12': { attach: 'tcx', sweep: 'program', coarseClock: true, redirectPeer: true, sockets: 'cgroup' },
} as const

const script = `cd ${quoted(root)} || exit 1
node ${quoted(sessionPath)}
node node_modules/mocha/bin/mocha.js --exit --no-colors --timeout 300000 spec/dist/datapath/kernel-backend.spec.js
echo "conformance: exit $?"
WEIR_PATIENCE=10 node node_modules/mocha/bin/mocha.js --exit --no-colors spec/dist/e2e/socket-services.spec.js
echo "sockets: exit $?"
node adapters/bin/weir.mjs demo --output json --backend kernel --patience 4 examples/shop >/run/tmp/demo.json 2>/run/tmp/demo.log
echo "demo: exit $?"
tail -n 3 /run/tmp/demo.log
echo "demo: report $(cat /run/tmp/demo.json)"
`

describe('older kernels, emulated', function () {
  this.timeout(timeoutMs)
  const runs = new Map<string, Promise<GuestRun>>()

  // All at once: a guest keeps one processor busy.
  before(() => {
    for (const { version, kernel } of guests)
      if (kernel !== undefined) runs.set(version, boot(kernel, script, { cpuMostMs }))
  })

  after(() => Promise.allSettled(runs.values()))

  for (const { name, version, reason } of guests)
    describe(name, () => {
      let run: GuestRun

      before(async function () {
        if (reason !== undefined) return this.skip()
        run = await runs.get(version)!
        expect(run.exit, run.console.slice(-4000)).to.equal(0)
      })

      it('takes all programs; says how it attaches them and who sweeps', () => {
        const { features, sweep } = session(run, 'loaded')
        expect(features).to.deep.include({ backend: 'kernel', ...expected[version] })
        expect(features.platform).to.match(new RegExp(`^Linux ${version.replace('.', '\\.')}\\.`))
        expect(sweep.ct4).to.deep.equal({ seen: 0, removed: 0 })
      })

      it('keeps a connection and enforces policy over kill -9 and a restart', () => {
        const { attach, notes, programs, ...phases } = session(run, 'restarted')
        const enforced = { isAlive: true, isAllowed: true, isDenied: true }
        expect(phases).to.deep.equal({ kind: 'restarted', running: enforced, killed: enforced, startedAgain: enforced })
        expect(attach).to.equal(expected[version].attach)
        expect(notes.join()).to.include('weir_ct4: taken over')
        expect(programs).to.have.length(2)
        expect(programs[0]).to.be.a('number')
        expect(programs[1], 'programs of the new process').to.be.a('number').that.does.not.equal(programs[0])
      })

      const passesAll = (before: RegExp): void => {
        const text = before.exec(run.output)
        expect(text?.[2], text?.[1]?.slice(-4000)).to.equal('0')
        expect(text?.[1])
          .to.match(/^ +\d+ passing/m)
          .and.not.match(/^ +\d+ pending/m)
      }

      it('has a backend that conforms, attached as the kernel likes it and by clsact', () =>
        passesAll(/([\s\S]*)conformance: exit (\d+)/))

      it('leads processes of a cgroup to the backends of services', () =>
        passesAll(/conformance: exit \d+\n([\s\S]*)sockets: exit (\d+)/))

      it('runs the demo, and every verdict agrees', () => {
        const [, exit, rest = ''] = /demo: exit (\d+)\n([\s\S]*)/.exec(run.output) ?? []
        expect(exit, rest.slice(0, 4000)).to.equal('0')
        const report = JSON.parse(/demo: report (.*)/.exec(rest)?.[1] ?? 'null') as DemoReport
        expect(report.backend).to.equal('kernel')
        expect(report.disagreements).to.deep.equal([])
        expect(report.untried).to.deep.equal([])
        expect(report.cells).to.be.greaterThan(200)
        expect(report.digest).to.equal(report.replayDigest)
      })
    })
})

function session<Kind extends SessionReport['kind']>(run: GuestRun, kind: Kind): SessionOf<Kind> {
  const reports = run.output
    .split('\n')
    .filter(line => line.startsWith(marker))
    .map(line => JSON.parse(line.slice(marker.length)) as SessionReport)
  const found = reports.find((report): report is SessionOf<Kind> => report.kind === kind)
  if (found === undefined) throw new Error(`no report of '${kind}': ${run.output.slice(0, 4000)}`)
  return found
}
