import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { root } from './tree.js'

describe('the command line in one file', () => {
  it('starts from code that was compiled when it was built, and finds what lies beside its modules', async () => {
    const script = `
      import { loadBundle } from ${JSON.stringify(join(root, 'adapters/bin/bundle.mjs'))}
      const { main, script } = loadBundle()
      console.log(script.cachedDataRejected)
      process.exitCode = await main(['why', 'shop/web', 'shop/cart:8080', '--state-from', 'examples/shop'])`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: root })
    expect(stdout)
      .to.match(/^false\n/)
      .and.include('shop/cart')
  })
})
