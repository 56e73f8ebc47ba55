// Stryker's build command, run inside its copy of the repository, whose code is mutated.
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import Mocha from 'mocha'
import { mochaHooks } from './seed.mjs'
import { specs } from './specs.mjs'

// What tests import by package name must be the copy. Other packages are found further up.
mkdirSync('node_modules/@weir', { recursive: true })
for (const room of ['core', 'store', 'datapath', 'adapters', 'spec']) {
  symlinkSync(`../../${room}`, `node_modules/@weir/${room}`)
}
execFileSync('tsc', ['-b', 'spec/core', 'spec/law'], { stdio: 'inherit' })

// Tests that fail when they are run again, as they are for each mutant, would seem to kill mutants that they don't see.
const mocha = new Mocha({ timeout: 0, reporter: 'dot' })
mocha.cleanReferencesAfterRun(false)
mocha.rootHooks(mochaHooks)
for (const file of specs) mocha.addFile(file)
await mocha.loadFilesAsync()
for (let run = 1; run <= 2; run += 1) {
  const failed = await new Promise(resolve => mocha.run(resolve))
  if (failed > 0) throw new Error(`${failed} tests fail in run ${run} of the same process, without any mutant`)
}
process.exit()
