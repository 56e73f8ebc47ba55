import { readdirSync } from 'node:fs'
import path from 'node:path'
import { root } from '../build.mjs'

const folders = ['policy', 'address', 'verdict', 'identity', 'explain', 'recipes'].map(name => `core/${name}`)
const laws = ['verdicts', 'verdicts-mixed', 'verdicts-explained', 'verdicts-deltas']

/**
 * Compiled tests that mutants have to survive, quick ones first: the first failure ends a mutant. Those with crowds of
 * pods count rows that change, and take too long to be run for each.
 */
export const specs = [
  ...[...folders, 'law/regressions'].flatMap(folder =>
    readdirSync(path.join(root, 'spec', folder))
      .filter(name => name.endsWith('.spec.ts') && name !== 'scale.spec.ts')
      .sort()
      .map(name => `${folder}/${name.replace(/\.ts$/, '.js')}`),
  ),
  ...laws.map(name => `law/${name}.spec.js`),
].map(name => `spec/dist/${name}`)
