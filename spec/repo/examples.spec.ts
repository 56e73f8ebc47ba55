import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { root } from './tree.js'

describe('examples', () => {
  it('embed: the policy engine inside another program', () => {
    const output = execFileSync(process.execPath, [path.join(root, 'examples/embed/main.mjs')], { encoding: 'utf8' })
    expect(output).to.contain('api-0 → shop/db-0:5432 allowed by NetworkPolicy shop/db-from-api spec.ingress[0]')
    expect(output).to.contain('web-0 → shop/db-0:5432 denied')
    const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
    for (const line of output.trim().split('\n'))
      expect(readme, 'README shows what the example prints').to.contain(line)
  })
})
