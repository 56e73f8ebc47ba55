import type { Finding, Severity } from '@weir/core/lint/finding.js'
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

export function lintSummary(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'nothing found'
  const count = (severity: Severity): number => findings.filter(finding => finding.severity === severity).length
  return `${count('error')} errors, ${count('warning')} warnings, ${count('info')} notes`
}

const severityText = (severity: Severity, colour: Colour): string =>
  severity === 'info' ? 'note' : severity === 'error' ? colour.bad(severity) : colour.strong(severity)
