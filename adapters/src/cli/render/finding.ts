import { counted } from '@weir/core/counted.js'
import type { Finding, Severity } from '@weir/core/lint/finding.js'
import type { LintReport } from '@weir/core/lint/lint.js'
import type { Colour } from '../terminal.js'

/** A finding with file and line, where its policy comes from a manifest. */
export interface Placed extends Finding {
  readonly place?: string
}

/** `web.yaml:3: warning: NetworkPolicy shop/web spec.ingress[0]: what is wrong [kind]`, with what to do below it. */
export function findingLines(findings: readonly Placed[], colour: Colour): readonly string[] {
  return findings.flatMap(({ kind, severity, policy, path, message, suggestion, place, seq }) => {
    const where = place ?? `event ${seq}`
    const subject = path === '' ? policy : `${policy} ${path}`
    const line = `${where}: ${severityText(severity, colour)}: ${subject}: ${message} ${colour.dim(`[${kind}]`)}`
    return suggestion === undefined ? [line] : [line, `    ${suggestion}`]
  })
}

/** How many there are, what was looked at, and what could not be. */
export function lintSummary({ findings, ignored, policies, pods }: LintReport): readonly string[] {
  const count = (severity: Severity): number => findings.filter(finding => finding.severity === severity).length
  const of = `of ${counted(policies, 'policy', 'policies')}`
  const counts = [
    counted(count('error'), 'error', 'errors'),
    counted(count('warning'), 'warning', 'warnings'),
    counted(count('info'), 'note', 'notes'),
  ]
  const meant =
    ignored.length === 0 ? '' : `; ${ignored.length} more ${ignored.length === 1 ? 'is' : 'are'} declared to be meant`
  return [
    findings.length === 0 ? `nothing found ${of}${meant}` : `${counts.join(', ')} ${of}${meant}`,
    ...(pods === 0 && policies > 0 ? ['there are no pods here: selectors were not held against any'] : []),
  ]
}

const severityText = (severity: Severity, colour: Colour): string =>
  severity === 'info' ? 'note' : severity === 'error' ? colour.bad(severity) : colour.strong(severity)
