import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const sources = fileURLToPath(new URL('../../ebpf-napi/programs/', import.meta.url))
const objects = fileURLToPath(new URL('./programs/', import.meta.url))

/** The object file of `programs/NAME.c`, compiled when it is older than its source. */
export function compiled(name: string): string {
  const source = `${sources}${name}.c`
  const object = `${objects}${name}.o`
  if (!existsSync(object) || statSync(object).mtimeMs < statSync(source).mtimeMs) {
    mkdirSync(objects, { recursive: true })
    const architecture = execFileSync('clang', ['-print-target-triple'], { encoding: 'utf8' }).split('-')[0] ?? ''
    const includes = `-I/usr/include/${architecture}-linux-gnu`
    execFileSync('clang', ['-O2', '-g', '-target', 'bpf', includes, '-c', source, '-o', object])
  }
  return object
}
