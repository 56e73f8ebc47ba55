#!/usr/bin/env node
import { existsSync, statSync } from 'node:fs'
import { bundle, loadBundle } from './bundle.mjs'

const compiled = new URL('../dist/cli/main.js', import.meta.url)

const writtenMs = url => statSync(url, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** Whoever compiled something after bundling runs what was compiled. */
function isBundleCurrent() {
  const bundledMs = writtenMs(bundle)
  return (
    bundledMs > 0 &&
    ['adapters', 'core', 'datapath', 'store'].every(
      room => writtenMs(new URL(`../../${room}/dist/.tsbuildinfo`, import.meta.url)) <= bundledMs,
    )
  )
}

async function load() {
  if (isBundleCurrent()) return loadBundle()
  if (existsSync(compiled)) return await import(compiled.href)
  process.stderr.write(
    'weir: not built yet; run `npm start` (sets up, builds, shows the demo) or `npm run build` at the root\n',
  )
  process.exit(2)
}

const { main } = await load()
process.exitCode = await main(process.argv.slice(2))
