// Runs the commands of docs/debugging.md anew and writes what they print into it; with --check only says whether it does.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeLog } from './make-log.mjs'

const page = fileURLToPath(new URL('../../docs/debugging.md', import.meta.url))
const weir = join(dirname(fileURLToPath(import.meta.resolve('@weir/adapters/cli/main.js'))), '../../bin/weir.mjs')
/** Where the page says that the log is. */
const told = '/tmp/shop-day'

const folder = join(await realpath(await mkdtemp(join(tmpdir(), 'weir-retell-'))), 'shop-day')
try {
  await makeLog(folder)
  const before = await readFile(page, 'utf8')
  const after = before.replace(/```console\n(\$ npx weir [^\n]+)\n[\s\S]*?```/g, (_, line) => {
    const words = line.match(/'[^']*'|\S+/g).map(word => word.replaceAll("'", ''))
    const ran = spawnSync(process.execPath, [weir, ...words.slice(3)], { cwd: folder, encoding: 'utf8' })
    const printed = `${ran.stdout}${ran.stderr}`.replaceAll(folder, told)
    return `\`\`\`console\n${`${line}\n${printed}`.trimEnd()}\n\`\`\``
  })
  if (process.argv.includes('--check')) {
    if (after !== before) {
      process.stdout.write(after)
      process.exitCode = 1
    }
  } else await writeFile(page, after)
} finally {
  await rm(join(folder, '..'), { recursive: true, force: true })
}
