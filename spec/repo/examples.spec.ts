import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import vm from 'node:vm'
import { expect } from 'chai'
import { build } from 'esbuild'
import { root } from './tree.js'

const page = (name: string): string => readFileSync(path.join(root, name), 'utf8')

/** Runs what a page shows after `$ `, and holds its output to what stands there. */
function shows(name: string, command: string, status: number): void {
  const words = command.split(' ')
  const ran = spawnSync(process.execPath, words.slice(1), { cwd: root, encoding: 'utf8' })
  expect(ran.stderr).to.equal('')
  expect(ran.status).to.equal(status)
  expect(page(name), `${name} shows what the example prints`).to.contain(`$ ${command}\n${ran.stdout}\`\`\``)
}

describe('examples', function () {
  this.timeout(20_000)

  it('embed: the policy engine inside another program', () => {
    shows('README.md', 'node examples/embed/main.mjs', 0)
    expect(page('README.md')).to.contain(page('examples/embed/main.mjs'))
  })

  it('datapath: tables kept by deltas judge as the engine does', () => {
    shows('docs/library.md', 'node examples/datapath/main.mjs', 0)
  })

  it('policy-check: a proposal that breaks a promise fails, and one that changes nothing passes', () => {
    shows('docs/library.md', 'node examples/policy-check/main.mjs', 1)
    const same = ['examples/policy-check/main.mjs', 'examples/shop', 'examples/shop']
    const { status, stdout } = spawnSync(process.execPath, same, { cwd: root, encoding: 'utf8' })
    expect([status, stdout.match(/^holds/gm)?.length, stdout.includes('newly')]).to.deep.equal([0, 3, false])
  })

  it('debugging: a day’s log says what docs/debugging.md shows', function () {
    this.timeout(120_000)
    const { status, stdout } = spawnSync(process.execPath, ['examples/debugging/retell.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    })
    if (status !== 0) expect(page('docs/debugging.md')).to.equal(stdout)
    expect(status).to.equal(0)
  })

  it('run in a browser: the core is bundled for one, and needs nothing of Node', async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: page('examples/embed/main.mjs').replaceAll('console.log', 'told.push'),
        resolveDir: root,
      },
      bundle: true,
      platform: 'browser',
      format: 'iife',
      write: false,
      logLevel: 'silent',
    })
    const told: string[] = []
    // What every browser has beside the language.
    vm.runInNewContext(outputFiles[0]!.text, { told, TextEncoder, TextDecoder })
    expect(page('README.md')).to.contain(`$ node examples/embed/main.mjs\n${told.join('\n')}\n\`\`\``)
  })
})
