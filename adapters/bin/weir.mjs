#!/usr/bin/env node
import { existsSync, statSync } from 'node:fs'

const bundled = new URL('../bundle/weir.js', import.meta.url)
const compiled = new URL('../dist/cli/main.js', import.meta.url)

const writtenMs = url => statSync(url, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** Whoever compiled something after bundling runs what was compiled. */
function isBundleCurrent() {
  const bundledMs = writtenMs(bundled)
  return (
    bundledMs > 0 &&
    ['adapters', 'core', 'datapath', 'store'].every(
      room => writtenMs(new URL(`../../${room}/dist/.tsbuildinfo`, import.meta.url)) <= bundledMs,
    )
  )
}

const code = isBundleCurrent() ? bundled : compiled
if (!existsSync(code)) {
  process.stderr.write(
    'weir: not built yet; run `npm start` (sets up, builds, shows the demo) or `npm run build` at the root\n',
  )
  process.exit(2)
}
const { main } = await import(code.href)
process.exitCode = await main(process.argv.slice(2))
