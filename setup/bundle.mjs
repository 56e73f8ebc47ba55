// Makes one file of the command line and all that it imports: loading 400 small modules takes most of a second each time.
// The parts that only some commands need stay apart. bin/weir.mjs runs it unless something was compiled after it.
import path from 'node:path'
import { build } from 'esbuild'
import { root } from './build.mjs'

// Native addons find what was built for them beside themselves.
const external = ['classic-level', 'ebpf-napi', 'netns-napi', 'inotify-napi']

await build({
  absWorkingDir: root,
  entryPoints: { weir: 'adapters/dist/cli/main.js' },
  // As deep as dist/, where places.js stands when it isn't bundled.
  outdir: path.join('adapters', 'bundle'),
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: 'linked',
  sourcesContent: false,
  external,
  // Packages in CommonJS require what Node has.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  logLevel: 'warning',
})
