// Writes src/layout.generated.ts: the maps and structs of the BPF object as its BTF tells them.
// `node datapath/generate-layout.mjs [FILE]` after `node bpf/build.mjs bpf`; a test compares the result with what is
// committed.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readLayout } from 'ebpf-napi'

const multiarch = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'
const here = path => fileURLToPath(new URL(path, import.meta.url))

const integer = type => ({ kind: 'int', size: type.size, signed: type.signed })

function plain(type) {
  if (type.kind === 'int') return integer(type)
  if (type.kind === 'array') return { kind: 'array', length: type.length, element: plain(type.element) }
  if (type.kind === 'enum') return { kind: 'enum', name: type.name, size: type.size, values: { ...type.values } }
  if (type.kind === 'other') throw new Error(`no codec for ${type.name}`)
  return {
    kind: type.kind,
    name: type.name,
    size: type.size,
    members: type.members.map(({ name, offsetBits, bits, type: inner }) => ({
      name,
      offsetBits,
      ...(bits === undefined ? {} : { bits }),
      type: plain(inner),
    })),
  }
}

function pointedAtTypes() {
  const directory = mkdtempSync(join(tmpdir(), 'weir-layout-'))
  try {
    const object = join(directory, 'layout.o')
    const include = ['-I', here('../bpf/include'), '-isystem', `/usr/include/${multiarch}`]
    execFileSync('clang', ['-target', 'bpf', '-g', '-O2', ...include, '-c', here('layout.c'), '-o', object])
    return readLayout(object).types
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const text = value =>
  JSON.stringify(value)
    .replaceAll(/"([A-Za-z_]\w*)":/g, '$1: ')
    .replaceAll('"', "'")
    .replaceAll(',', ', ')

export function generate() {
  const { maps, types } = readLayout(here('../bpf/out/weir.o'))
  const others = pointedAtTypes()
  const lines = [
    "// Made by generate-layout.mjs from the BPF object's BTF. Edit bpf/include/weir instead.",
    '',
    'export const layout = {',
    '  maps: {',
  ]
  const own = maps.filter(map => map.name.startsWith('weir_')).sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const map of own) {
    const { name, type, keySize, valueSize, maxEntries, key, value } = map
    lines.push(`    ${name}: {`)
    lines.push(`      type: '${type}', keySize: ${keySize}, valueSize: ${valueSize}, maxEntries: ${maxEntries},`)
    if (key !== undefined) lines.push(`      key: ${text(plain(key))},`)
    if (value !== undefined) lines.push(`      value: ${text(plain(value))},`)
    lines.push('    },')
  }
  lines.push('  },', '  types: {')
  const wanted = [
    'weir_event',
    'weir_event_kind',
    'weir_reason',
    'weir_tally',
    'weir_nat_kind',
    'weir_scope',
    'weir_frontend_flag',
    'weir_egress_action',
    'weir_masquerade_family',
    'weir_pair_sweep',
  ]
  for (const name of wanted) lines.push(`    ${name}: ${text(plain(others[name]))},`)
  lines.push(`    weir_sweep: ${text(plain(types.weir_sweep))},`)
  lines.push('  },', '} as const', '')
  return lines.join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(process.argv[2] ?? here('src/layout.generated.ts'), generate())
}
