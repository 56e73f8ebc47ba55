import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import vm from 'node:vm'

/** The command line in one file, as setup/bundle.mjs makes it. */
export const bundle = fileURLToPath(new URL('../bundle/weir.cjs', import.meta.url))

/** V8's code of it. It holds for one build of Node; any other compiles anew. */
export const codeOf = `${bundle}.code`

/** Loads the bundle: its `main`, and the script that it is compiled to. */
export function loadBundle() {
  // Of ASCII alone: esbuild escapes the rest.
  const source = readFileSync(bundle, 'latin1')
  const script = new vm.Script(`(function (exports, require, module, __filename, __dirname, __import) {${source}\n})`, {
    filename: bundle,
    cachedData: read(codeOf),
  })
  const module = { exports: {} }
  const outside = name => import(name)
  script.runInThisContext()(module.exports, createRequire(bundle), module, bundle, dirname(bundle), outside)
  return { main: module.exports.main, script }
}

function read(file) {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}
