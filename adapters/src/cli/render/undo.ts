import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import { counted } from '@weir/core/counted.js'
import type { Undo, UndoSearch } from '@weir/core/undo/search.js'
import { keyTitle } from '../../manifests/set.js'
import type { Colour } from '../terminal.js'
import { changeLines, type Places } from './change.js'
import { manifestText } from './yaml.js'

/** Sets of other flows that are told one by one. */
const othersMost = 3

/** The smallest change that undoes something, in words and as a patch; or that none was found. */
export function undoLines({ undo, tried, undoing }: UndoSearch, places: Places, colour: Colour): readonly string[] {
  if (undo === undefined)
    return [`no smallest undo: ${counted(tried, 'change')} of one object tried in the bad state, and none undoes it`]
  const { others } = undo
  const verb = others.length === 1 ? 'changes' : 'change'
  const sets = counted(others.length, 'other set of flows', 'other sets of flows')
  const shown = changeLines(others.slice(0, othersMost), places, colour).map(line => `  ${line}`)
  const more = others.length - othersMost
  return [
    `${colour.strong('smallest undo')}  ${keyTitle(undo.object)}: ${undo.change}`,
    `  ${others.length === 0 ? 'no other flow changes' : `${sets} ${verb} with it:`}`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more (-o json has all)`] : []),
    colour.dim(`  ${counted(tried, 'change')} tried, ${undoing} of them undo${undoing === 1 ? 'es' : ''} it`),
    ...patchLines(undo, colour),
  ]
}

/** A unified diff of the object as YAML. */
export function patchText({ object, before, after }: Pick<Undo, 'object' | 'before' | 'after'>): string {
  const text = (written: unknown): string => (written === undefined ? '' : manifestText(written))
  const name = (written: unknown): string => (written === undefined ? '/dev/null' : keyTitle(object))
  const [from, to] = [text(before), text(after)]
  return createTwoFilesPatch(name(before), name(after), from, to, undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  })
}

const patchLines = (undo: Undo, colour: Colour): readonly string[] =>
  patchText(undo)
    .trimEnd()
    .split('\n')
    .map(line => (/^\+(?!\+\+)/.test(line) ? colour.good(line) : /^-(?!--)/.test(line) ? colour.bad(line) : line))
