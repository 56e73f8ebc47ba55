import { constants } from 'node:os'

const codesByErrno = new Map<number, string>([
  [11, 'EAGAIN'],
  [95, 'EOPNOTSUPP'],
  [524, 'ENOTSUPP'],
])
for (const [code, errno] of Object.entries(constants.errno)) {
  if (!codesByErrno.has(errno)) {
    codesByErrno.set(errno, code)
  }
}

const sentences: Readonly<Record<string, string>> = {
  E2BIG: 'no room is left',
  EACCES: 'refused',
  EBUSY: 'busy',
  EEXIST: 'already there',
  EINVAL: 'not valid',
  ENOENT: 'not found',
  ENOMEM: 'out of memory',
  ENOTSUPP: 'not supported by the kernel',
  EOPNOTSUPP: 'not supported by the kernel',
  EPERM: 'not permitted; most calls need CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN',
}

/** The pinned map and the program's map differ: field by field what was declared and what was found. */
export interface PinMismatch {
  readonly map: string
  readonly path: string
  readonly differences: Readonly<
    Record<string, { readonly expected: number | string; readonly found: number | string }>
  >
}

/** What some errors carry besides code, errno and call. */
export interface EbpfErrorDetails {
  /** The verifier's log, its last MiB. */
  readonly log?: string
  readonly logTruncated?: boolean
  /** The program that the verifier refused. */
  readonly program?: string
  /** Batches: entries done before the error. */
  readonly done?: number
  readonly mismatch?: PinMismatch
  readonly errno?: number
}

// The verifier ends with statistics; the reason stands right before them.
function verdictOf(log: string): string {
  const lines = log.split('\n').filter(line => line.trim() !== '')
  while (
    lines.length > 1 &&
    /^(processed \d+ insns|max_states|verification time|stack depth)/.test(lines.at(-1) ?? '')
  ) {
    lines.pop()
  }
  return lines.at(-1) ?? ''
}

/**
 * Every failure of this package. `code` is the errno's name, or one of
 * ERR_EBPF_ARGUMENT (a wrong size, type or name of a constant), ERR_EBPF_CLOSED (use after close), ERR_EBPF_KIND (a pin
 * of another kind), ERR_EBPF_NAME (the object has no such map, program or variable), ERR_EBPF_PIN_MISMATCH,
 * ERR_EBPF_NOT_BUILT (the addon is missing).
 */
export class EbpfError extends Error {
  override readonly name = 'EbpfError'
  readonly code: string
  /** Positive; 0 when the kernel wasn't asked. */
  readonly errno: number
  /** The system call or function that failed. */
  readonly call: string
  /** Not enumerable: a log of a MiB has no place in what console.log shows of an error. */
  declare readonly log?: string
  declare readonly logTruncated?: boolean
  declare readonly program?: string
  declare readonly done?: number
  declare readonly mismatch?: PinMismatch

  constructor(code: number | string, call: string, detail: string, details: EbpfErrorDetails = {}) {
    const word = typeof code === 'string' ? code : (codesByErrno.get(code) ?? `errno ${code}`)
    const { errno, ...rest } = details
    const reason = rest.log === undefined ? (sentences[word] ?? '') : verdictOf(rest.log)
    super([`${call}: ${word}`, detail, reason].filter(part => part !== '').join(': '))
    this.code = word
    this.errno = typeof code === 'number' ? code : (errno ?? 0)
    this.call = call
    const { log, ...shown } = rest
    Object.assign(this, shown)
    if (log !== undefined) {
      Object.defineProperty(this, 'log', { value: log })
    }
  }
}
