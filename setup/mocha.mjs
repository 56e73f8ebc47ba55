// Runs the compiled tests and ends with the line that counts them.
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import Mocha from 'mocha'
import { root } from './build.mjs'
import { seedOfCommit } from './seed.mjs'

const args = process.argv.slice(2)
const long = args.includes('--long')
const lintFailures = args.includes('--lint-failed') ? 1 : 0
const wanted = args.filter(arg => !arg.startsWith('--'))
const compiled = path.join(root, 'spec', 'dist')

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name)
    if (entry.isDirectory()) yield* walk(full)
    else if (entry.name.endsWith('.spec.js')) yield full
  }
}

// A compiled test whose source is gone must not run on.
const hasSource = file => existsSync(path.join(root, 'spec', path.relative(compiled, file)).replace(/\.js$/, '.ts'))

const files = [...walk(compiled)]
  .filter(hasSource)
  .filter(file => long || !file.endsWith('.long.spec.js'))
  .filter(file => wanted.length === 0 || wanted.some(part => path.relative(compiled, file).includes(part)))
  .sort()

// Two runs of one commit draw the same cases, wherever they run; the next commit draws others.
const { WEIR_SEED = String(seedOfCommit()) } = process.env
process.env.WEIR_SEED = WEIR_SEED === 'random' ? String(Date.now() | 0) : WEIR_SEED
fc.configureGlobal({ seed: Number(process.env.WEIR_SEED) })
process.stdout.write(`WEIR_SEED=${process.env.WEIR_SEED}\n`)

const mocha = new Mocha({ timeout: 20_000, slow: 2_000, reporter: 'spec' })
for (const file of files) mocha.addFile(file)
await mocha.loadFilesAsync()
const runner = mocha.run(failed => {
  const { passes, pending } = runner.stats
  const failures = failed + lintFailures
  if (lintFailures > 0) process.stdout.write('The linter has findings: see above, or run npm run lint.\n')
  process.stdout.write(`${passes} passed, ${failures} failed, ${pending} skipped\n`)
  // A handle that a test left open is its bug, but must not hang the run.
  process.exit(failures > 0 || passes === 0 ? 1 : 0)
})
