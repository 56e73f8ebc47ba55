// Makes one file of the command line and all that it imports, and keeps V8's code of it: loading 400 small modules takes
// most of a second each time, compiling one large one still a tenth. bin/weir.mjs runs it unless something was compiled
// after it.
import { mkdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { build } from 'esbuild'
import { root, run } from './build.mjs'

const folder = path.join(root, 'adapters', 'bundle')

/** In one file every module would think that it stands where that file does, and so miss what lies beside it. */
const keepPlaces = {
  name: 'keep-places',
  setup(building) {
    building.onLoad({ filter: /\.[cm]?js$/ }, async ({ path: file }) => {
      const text = await readFile(file, 'utf8')
      const place = `__place(${JSON.stringify(path.relative(folder, file))})`
      const contents = text
        .replaceAll('import.meta.url', `__url(${place})`)
        .replaceAll(/\b__dirname\b/g, `__folder(${place})`)
        // What has no fixed name can't be in the bundle.
        .replaceAll(/(?<=\bawait )import\((?=[a-z]|['"]node:)/g, '__import(')
      return contents === text ? undefined : { contents, loader: 'js' }
    })
  },
}

// Of this library a tenth is used; the rest, which is made from Kubernetes' schema, says nothing of itself when it is loaded.
const lightKubernetes = {
  name: 'light-kubernetes',
  setup: ({ onResolve, resolve }) => {
    onResolve({ filter: /^(@kubernetes\/client-node$|\.)/ }, async ({ path: wanted, pluginData, ...args }) => {
      const isOurs = wanted.startsWith('@') || args.importer.includes('/@kubernetes/client-node/')
      if (pluginData === lightKubernetes || !isOurs) return undefined
      const { importer, kind, resolveDir } = args
      const found = await resolve(wanted, { importer, kind, resolveDir, pluginData: lightKubernetes })
      return { ...found, sideEffects: false }
    })
  },
}

await rm(folder, { recursive: true, force: true })
await mkdir(folder)
await build({
  absWorkingDir: root,
  entryPoints: { weir: 'adapters/dist/cli/main.js' },
  outdir: folder,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: 'linked',
  sourcesContent: false,
  plugins: [keepPlaces, lightKubernetes],
  banner: {
    js: [
      'const __folder = require("node:path").dirname;',
      'const __place = file => require("node:path").join(__dirname, file);',
      'const __url = file => require("node:url").pathToFileURL(file).href;',
    ].join('\n'),
  },
  logLevel: 'warning',
})

run(process.execPath, ['adapters/bin/keep-code.mjs'], { stdio: ['ignore', 'ignore', 2] })
