import { WeirError } from '@weir/core'

/** What a command's exit status means. Scripts count on these; `docs/cli.md` lists them. */
export const exitCodes = {
  ok: 0,
  /** The command did its work and the answer is no: a disagreement, a digest that differs, a flow that is denied. */
  no: 1,
  /** The command line can't be understood. */
  usage: 2,
  /** Nobody answers at the agent's socket. */
  unreachable: 3,
  /** The log is damaged, or can't be opened. */
  log: 4,
  /** No such object. */
  notFound: 5,
  /** Something the machine lacks or refuses: privileges, a command, a kernel feature, disk. */
  machine: 6,
  /** A defect of Weir. */
  defect: 70,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** The status that an error ends a command with. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof WeirError)) return isSystemError(error) ? exitCodes.machine : exitCodes.defect
  const code: string = error.code
  if (code === 'WEIR_REQUEST_INVALID' || code === 'WEIR_INPUT_INVALID') return exitCodes.usage
  if (code === 'WEIR_AGENT_UNREACHABLE') return exitCodes.unreachable
  if (code === 'WEIR_NOT_FOUND') return exitCodes.notFound
  if (code.startsWith('WEIR_LOG') || code === 'WEIR_IMPORT_INVALID') return exitCodes.log
  return exitCodes.machine
}

/** An error of the operating system (`ENOENT`, `EACCES`), or of a native module that passes one on. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && /^E[A-Z0-9]+$/.test(String((error as NodeJS.ErrnoException).code ?? ''))
}
