// Mutation testing: changes code in small ways, and says which changes no test notices. See docs/mutation.md.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { installModules, root } from '../build.mjs'
import { writeTables } from './document.mjs'
import { explain, explanations } from './explained.mjs'
import { Results, survived } from './results.mjs'
import { specs } from './specs.mjs'

/** The compiler and the selectors: what decides verdicts. */
const judged = ['core/src/policy', 'core/src/verdict', 'core/src/address']

/** Cases per property and the seed that they are drawn from: a mutant fares the same in every run. */
const sampling = { WEIR_RUNS: '6', WEIR_SEED: '20' }

const place = '.weir/mutation'
const reportFile = `${place}/report.json`
const optionsFile = `${place}/stryker.json`

const strykerOptions = {
  testRunner: 'mocha',
  plugins: ['@stryker-mutator/mocha-runner'],
  coverageAnalysis: 'perTest',
  mochaOptions: { 'no-config': true, require: ['setup/mutation/seed.mjs'], spec: specs },
  buildCommand: 'node setup/mutation/sandbox.mjs',
  symlinkNodeModules: false,
  // Stryker would rewrite it with an API that TypeScript 7 doesn't have. Nothing in the copy needs that.
  tsconfigFile: 'none',
  tempDirName: `${place}/sandbox`,
  ignorePatterns: ['.weir', 'dist', 'build', 'bpf', 'docs', 'examples'],
  concurrency: 1,
  // By the clock: on a machine that has other work as well, tests take several times as long as they did alone.
  timeoutFactor: 4,
  timeoutMS: 20_000,
  logLevel: 'error',
  reporters: ['progress-append-only', 'json'],
  jsonReporter: { fileName: reportFile },
}

/**
 * Mutates files, runs the tests on every mutant and keeps what came of it in `.weir/mutation` and docs/mutation.md.
 * @param args parts of the files' paths, none for all; `--survivors`: only what survived the last time
 * @returns the exit status: 1 when a mutant survives that docs/mutation.md doesn't explain
 */
export function mutate(args, say) {
  const wanted = args.filter(arg => !arg.startsWith('--'))
  const files = filesLike(wanted)
  if (files.length === 0) throw new Error(`no file of ${judged.join(', ')} has ${wanted.join(' or ')} in its path`)
  const results = new Results(path.join(root, place, 'results.json'))
  const again = args.includes('--survivors')
  const targets = again ? files.flatMap(file => results.rangesOf(file, explanations)) : files
  if (targets.length > 0) {
    installModules(say, 'setup/mutation')
    runStryker(targets)
    results.take(JSON.parse(readFileSync(path.join(root, reportFile), 'utf8')).files, !again)
  }
  writeTables(results, filesLike([]), explanations)
  return tell(results, files, say)
}

function filesLike(parts) {
  return judged
    .flatMap(folder => readdirSync(path.join(root, folder), { recursive: true }).map(name => `${folder}/${name}`))
    .filter(file => file.endsWith('.ts') && (parts.length === 0 || parts.some(part => file.includes(part))))
    .sort()
}

function runStryker(targets) {
  mkdirSync(path.join(root, place), { recursive: true })
  writeFileSync(path.join(root, optionsFile), JSON.stringify({ ...strykerOptions, mutate: targets }, null, 2))
  // It takes an hour: whoever works here meanwhile goes first.
  os.setPriority(15)
  const stryker = 'setup/mutation/node_modules/@stryker-mutator/core/bin/stryker.js'
  const { status, signal } = spawnSync(process.execPath, [stryker, 'run', optionsFile], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...sampling },
  })
  if (status !== 0) throw new Error(`Stryker ended with ${status ?? signal}: run the tests, which have to pass`)
}

/** Prints the survivors that nobody explained, and the explanations of mutants that no longer survive. */
function tell(results, files, say) {
  let open = 0
  for (const file of files) {
    const mutants = results.mutantsOf(file)
    if (mutants === undefined) continue
    const left = mutants.filter(mutant => survived(mutant) && explain(mutant) === undefined)
    for (const { line, code, becomes, status } of left) {
      process.stdout.write(`${file}:${line} ${status}\n- ${code}\n+ ${becomes}\n`)
    }
    const stale = explanations.filter(
      known => known.file === file && !mutants.some(mutant => survived(mutant) && explain(mutant) === known),
    )
    for (const { code, becomes } of stale) {
      process.stdout.write(`${file}: explained, but no such mutant survives\n- ${code}\n+ ${becomes}\n`)
    }
    open += left.length + stale.length
  }
  say(open === 0 ? 'every mutant is killed or explained' : `${open} findings`)
  return open === 0 ? 0 : 1
}
