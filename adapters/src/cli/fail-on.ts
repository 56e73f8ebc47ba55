import { Option } from 'commander'
import { type ExitCode, exitCodes } from './exit.js'

const changes = ['newly-denied', 'newly-allowed', 'any'] as const

/** Which changes of verdicts a command is to fail for. */
export type FailOn = (typeof changes)[number]

/** @param what a word for what changes: `change`, `flow` */
export const failOnOption = (what: string): Option =>
  new Option('--fail-on <change>', `exit with 1 when there is such a ${what}`).choices(changes)

/** Status 1 where there is a change that the command is to fail for. */
export const exitOn = (found: readonly { readonly change: string }[], failOn: FailOn | undefined): ExitCode =>
  found.some(({ change }) => failOn === 'any' || change === failOn) ? exitCodes.no : exitCodes.ok
