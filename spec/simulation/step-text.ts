import type { FileChange } from './authors.js'
import type { Step } from './plan.js'

/** For a trace. */
export function stepText(step: Step): string {
  if (step.kind === 'files') return `files ${step.changes.map(change => `${change.how} ${nameIn(change)}`).join(', ')}`
  if (step.kind === 'api') return `api ${step.changes.map(({ how }) => how).join(', ')}`
  if (step.kind === 'say') return `say ${step.bodies.map(({ kind }) => kind).join(' ')}`
  return JSON.stringify(step)
}

const nameIn = (change: FileChange): string => (change.how === 'removed' ? change.name : change.document.name)
