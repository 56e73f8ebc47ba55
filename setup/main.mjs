import { spawnSync } from 'node:child_process'
import { ensureApiServer } from './api-server.mjs'
import { buildAll, installModules, lint, mayUseKernel, root } from './build.mjs'
import { mutate } from './mutation/mutate.mjs'
import { pack } from './pack.mjs'
import { ensurePackages } from './packages.mjs'

const usage = `usage: npm start [-- FOLDER …]   set up, build, run the demo
       npm test                 set up, build, lint, run the tests
       npm run test:long        the tests that take long as well
       npm run test:kubernetes  the API server's part against a real one, made in /var/cache/weir
       npm run bench -- NAME    a benchmark; without a name, the list
       npm run mutate -- PATH   mutation tests of the compiler; without a path, of all of it
       npm run build            set up and build
       npm run pack -- FOLDER   set up, build, and copy what the command line needs to run into a folder`

const say = text => process.stderr.write(`weir: ${text}\n`)

function prepare(group, projects) {
  const missing = ensurePackages(group, say)
  installModules(say)
  buildAll(say, { native: missing.length === 0, projects })
  return missing
}

function node(...args) {
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  return result.status ?? 1
}

function main(command, args) {
  switch (command) {
    case 'build':
      prepare('build')
      return 0
    case 'pack': {
      const [target] = args
      if (args.length !== 1) throw new Error('npm run pack -- FOLDER')
      prepare('build', ['adapters'])
      say(`${target}: ${(pack(target) / 2 ** 20).toFixed(1)} MiB; run ${target}/adapters/bin/weir.mjs`)
      return 0
    }
    case 'start': {
      const missing = prepare('build', ['adapters', 'spec/oracle'])
      const kernel = missing.length === 0 && mayUseKernel()
      if (!kernel) {
        const lacking =
          missing.length > 0
            ? `missing ${missing.join(', ')} (run as root to install)`
            : 'this user may not load eBPF (run as root)'
        say(`${lacking}: the demo runs on the memory backend`)
      }
      return node('adapters/bin/weir.mjs', 'demo', ...(kernel ? [] : ['--backend', 'memory']), ...args)
    }
    case 'test':
    case 'test:long': {
      const long = command === 'test:long'
      const missing = prepare(long ? 'long' : 'test')
      if (missing.length > 0) say(`missing ${missing.join(', ')}: tests that need them are skipped by name`)
      const findings = lint(say) ? [] : ['--lint-failed']
      return node('setup/mocha.mjs', ...(long ? ['--long'] : []), ...findings, ...args)
    }
    case 'test:kubernetes': {
      const missing = prepare('kubernetes')
      if (missing.length > 0) say(`missing ${missing.join(', ')}`)
      ensureApiServer(say)
      return node('setup/mocha.mjs', '--long', 'adapters/kubernetes', ...args)
    }
    case 'bench': {
      const missing = prepare('bench', ['spec/bench'])
      if (missing.length > 0) say(`missing ${missing.join(', ')}`)
      return node('spec/dist/bench/main.js', ...args)
    }
    case 'mutate':
      installModules(say)
      return mutate(args, say)
    default:
      process.stderr.write(`${usage}\n`)
      return 2
  }
}

try {
  process.exitCode = main(process.argv[2], process.argv.slice(3))
} catch (error) {
  say(error.message)
  if (process.argv[2]?.startsWith('test')) process.stdout.write('0 passed, 1 failed, 0 skipped\n')
  process.exitCode = 1
}
