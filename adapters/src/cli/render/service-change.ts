import type { PastBackend, ServiceChange } from '../../agent/service-history.js'
import { provenanceOf } from '../origins.js'
import type { Colour } from '../terminal.js'

/** The event and what brought it, then a line for each address and each backend that it changed. */
export function serviceChangeLines(
  { seq, time, kind, backends, frontends, ...from }: ServiceChange,
  colour: Colour,
  workingFolder: string,
): readonly string[] {
  return [
    `${colour.strong(`event ${seq}`)}  ${new Date(time).toISOString()}  ${kind}  ${colour.dim(`(${provenanceOf(from, workingFolder)})`)}`,
    ...frontends.came.map(each => colour.good(`  + ${each}`)),
    ...frontends.went.map(each => colour.bad(`  - ${each}`)),
    ...backends.map(({ backend, portName, before, after }) => {
      const name = `${backend}${portName === '' ? '' : ` ${portName}`}`
      if (before === undefined) return colour.good(`  + ${name}  ${saying(after)}`)
      if (after === undefined) return colour.bad(`  - ${name}  ${saying(before)}`)
      return `  ~ ${name}  ${saying(before)} → ${saying(after)}`
    }),
  ]
}

/** `active, weight 3, pod web-1 on n1` */
function saying(backend: PastBackend | undefined): string {
  if (backend === undefined) return ''
  const { state, weight, chosenBy, pod, node } = backend
  return [
    state,
    ...(weight === 1 || state === 'quarantined' || state === 'maintenance' ? [] : [`weight ${weight}`]),
    ...(state === 'active' && weight > 0 && chosenBy.length === 0 ? ['not chosen here'] : []),
    ...(state !== 'active' && chosenBy.length > 0 ? ['chosen all the same'] : []),
    ...(pod === '' ? [] : [`pod ${pod}${node === '' ? '' : ` on ${node}`}`]),
  ].join(', ')
}
