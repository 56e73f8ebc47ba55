// Runs what most commands use, so that V8 compiles it, and keeps the code beside the bundle.
import { writeFileSync } from 'node:fs'
import { codeOf, loadBundle } from './bundle.mjs'

const { main, script } = loadBundle()
const shop = ['--state-from', 'examples/shop']
const codes = [await main(['why', 'shop/web', 'shop/cart:8080', ...shop]), await main(['matrix', 'examples/shop'])]
if (codes.some(code => code !== 0)) throw new Error(`a command that was to warm the code ended with ${codes}`)
writeFileSync(codeOf, script.createCachedData())
