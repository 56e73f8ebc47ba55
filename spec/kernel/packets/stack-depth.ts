import { execFileSync } from 'node:child_process'

/** A function of an object file: bytes of its own frame, and whom it calls. */
interface Frame {
  bytes: number
  readonly calls: Set<string>
}

/** The deepest chain of calls from a program, and what it takes. */
export interface Depth {
  readonly bytes: number
  readonly chain: readonly string[]
}

/** Older kernels round each frame up to this, newer ones to half of it; all refuse a chain of more than 512 bytes. */
const granularityBytes = 32

/** By program, as the disassembly of an object file tells. @throws where there is no llvm-objdump */
export function stackDepths(objectPath: string): ReadonlyMap<string, Depth> {
  const symbols = execFileSync('llvm-objdump', ['-t', objectPath], { encoding: 'utf8' })
  const places = new Map<string, string>()
  const programs: string[] = []
  for (const line of symbols.split('\n')) {
    const [, offset = '', kind, section = '', name = ''] =
      /^([0-9a-f]{16}) .{6}(.) (\S+)\s+[0-9a-f]+ (?:\.hidden )?(\S+)$/.exec(line) ?? []
    if (kind !== 'F') continue
    places.set(placeOf(section, Number.parseInt(offset, 16)), name)
    if (section !== '.text') programs.push(name)
  }
  const frames = framesOf(objectPath, places)
  const known = new Map<string, Depth>()
  const depth = (name: string): Depth => {
    const there = known.get(name)
    if (there !== undefined) return there
    const { bytes, calls } = frames.get(name)!
    const below = [...calls].map(depth).reduce((most, each) => (each.bytes > most.bytes ? each : most), empty)
    const own = Math.ceil(Math.max(bytes, 1) / granularityBytes) * granularityBytes
    const found = { bytes: own + below.bytes, chain: [`${name} ${bytes}`, ...below.chain] }
    known.set(name, found)
    return found
  }
  return new Map(programs.map(name => [name, depth(name)]))
}

const empty: Depth = { bytes: 0, chain: [] }
const placeOf = (section: string, offset: number): string => `${section}+${offset}`

function framesOf(objectPath: string, places: ReadonlyMap<string, string>): ReadonlyMap<string, Frame> {
  const text = execFileSync('llvm-objdump', ['-d', '-r', objectPath], { encoding: 'utf8', maxBuffer: 1 << 28 })
  const frames = new Map<string, Frame>()
  let section = ''
  let frame: Frame = { bytes: 0, calls: new Set() }
  /** A call that no relocation is known of yet: where it leads by itself. */
  let call: { readonly by: Frame; readonly offset: number; readonly relative: number } | undefined
  /** The register that has just become the frame's end. */
  let copy: string | undefined
  const settle = (into: string | undefined): void => {
    if (into !== undefined) call?.by.calls.add(into)
    call = undefined
  }
  for (const line of text.split('\n')) {
    const relocated = /R_BPF_64_32\s+(\S+)/.exec(line)?.[1]
    if (relocated !== undefined) {
      const isSection = relocated === '.text'
      settle(isSection ? places.get(placeOf('.text', ((call?.relative ?? 0) + 1) * 8)) : relocated)
      continue
    }
    settle(call && places.get(placeOf(section, (call.offset + 1 + call.relative) * 8)))
    section = /^Disassembly of section (\S+):/.exec(line)?.[1] ?? section
    const name = /^[0-9a-f]{16} <(?!LBB)(.+)>:/.exec(line)?.[1]
    if (name !== undefined) {
      frame = { bytes: 0, calls: new Set() }
      frames.set(name, frame)
    }
    const accessed = /r10 - (\d+)\)/.exec(line)?.[1]
    const [, register, taken] = /\tr(\d+) \+= -(\d+)/.exec(line) ?? []
    frame.bytes = Math.max(frame.bytes, Number(accessed ?? 0), register === copy ? Number(taken ?? 0) : 0)
    copy = /\tr(\d+) = r10/.exec(line)?.[1]
    const [, offset, ...bytes] =
      /^\s*(\d+):\t85 10 00 00 ([0-9a-f]{2}) ([0-9a-f]{2}) ([0-9a-f]{2}) ([0-9a-f]{2})/.exec(line) ?? []
    if (offset !== undefined)
      call = { by: frame, offset: Number(offset), relative: Buffer.from(bytes.join(''), 'hex').readInt32LE() }
  }
  return frames
}
