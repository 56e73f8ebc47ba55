import { spawn } from 'node:child_process'
import { WeirError } from '@weir/core'

/**
 * Runs another build of Weir with the given words.
 *
 * @param build A command with its own words, separated by spaces: `npx weir@0.1.0`.
 * @throws WeirError WEIR_BUILD_FAILED when it can't be run or ends with another status than 0.
 */
export async function runBuild(build: string, words: readonly string[], interrupted: AbortSignal): Promise<void> {
  const [program = '', ...before] = build.split(/\s+/).filter(word => word !== '')
  const child = spawn(program, [...before, ...words], { stdio: ['ignore', 'ignore', 'pipe'], signal: interrupted })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000)
  })
  const failure = await new Promise<string | undefined>(done => {
    child.on('error', error => done(error.message))
    child.on('close', (code, signal) =>
      done(code === 0 ? undefined : `it ended with ${signal ?? code}: ${said.trim()}`),
    )
  })
  if (failure === undefined) return
  throw new WeirError('WEIR_BUILD_FAILED', `${build} can't record digests: ${failure}`, { build, detail: failure })
}
