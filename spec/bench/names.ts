import { readdirSync } from 'node:fs'

export const suffix = '.bench.js'

/** The names of all benches, in order. */
export function names(): readonly string[] {
  const files = readdirSync(new URL('.', import.meta.url)).filter(file => file.endsWith(suffix))
  return files.map(file => file.slice(0, -suffix.length)).sort()
}
