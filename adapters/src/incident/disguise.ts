import type { ChangedBy, EventDraft } from '@weir/core'
import { otherBody } from '@weir/core/pseudonym/events.js'
import { Pseudonyms } from '@weir/core/pseudonym/pseudonyms.js'
import { vocabularyOf } from '@weir/core/pseudonym/vocabulary.js'
import type { FlowWords } from '../agent/asked-flows.js'
import type { CutLog } from './cut.js'
import { keyedBy } from './key.js'
import { otherWords } from './question-words.js'

/** A cut log in other words, and at another time where that is asked for. */
export interface Disguised {
  readonly cut: CutLog
  readonly words: FlowWords
  readonly pseudonyms: Pseudonyms
  /** Milliseconds that were added to all times. */
  readonly shiftMs: number
}

/** @param shifts whether times are moved, by what the key says: within ten years, to the past where there is one */
export function disguise(cut: CutLog, words: FlowWords, key: Buffer, shifts: boolean): Disguised {
  const keyed = keyedBy(key)
  const pseudonyms = new Pseudonyms(keyed, vocabularyOf(cut.events.map(({ draft }) => draft)))
  const shiftMs = shifts ? shiftOf(cut, keyed('time', 'shift')) : 0
  const events = cut.events.map(({ draft, seq }) => ({ draft: otherDraft(draft, pseudonyms, shiftMs), seq }))
  return { cut: { ...cut, events }, words: otherWords(words, pseudonyms), pseudonyms, shiftMs }
}

const tenYearsMs = 315_576_000_000

function shiftOf({ events }: CutLog, bytes: Uint8Array): number {
  const most = Buffer.from(bytes).readUIntBE(0, 6) % tenYearsMs
  const earliest = Math.min(...events.map(({ draft }) => draft.time))
  return earliest > tenYearsMs ? -most : most
}

function otherDraft(draft: EventDraft, pseudonyms: Pseudonyms, shiftMs: number): EventDraft {
  const body = otherBody(draft, pseudonyms)
  const time = draft.time + shiftMs
  const from = {
    source: otherSource(draft.source, pseudonyms),
    ...(draft.by !== undefined && { by: otherHand(draft.by, pseudonyms, shiftMs) }),
  }
  return body.kind === 'time.passed'
    ? { ...body, until: body.until + shiftMs, time, ...from }
    : { ...body, time, ...from }
}

/** Who changed an object: how is one of two words. */
const otherHand = ({ manager, operation, time }: ChangedBy, { words }: Pseudonyms, shiftMs: number): ChangedBy => ({
  manager: words.word(manager),
  ...((operation === 'Apply' || operation === 'Update') && { operation }),
  ...(time !== undefined && { time: time + shiftMs }),
})

/** Kinds of sources, which tell nothing of a cluster. */
const kinds: ReadonlySet<string> = new Set([
  ...['manifests', 'kubernetes', 'cni', 'operator', 'agent', 'compacted', 'weir log export'],
])

/** `manifests:/q…/q…:12`: paths folder by folder, and the line. */
function otherSource(source: string, { words }: Pseudonyms): string {
  const [, kind = '', place = '', line = ''] = /^([a-z ]+)(?::(.*?)(:\d+)?)?$/.exec(source) ?? []
  if (!kinds.has(kind)) return words.word(source)
  if (place === '') return kind
  return `${kind}:${place
    .split('/')
    .map(part => words.word(part))
    .join('/')}${line}`
}
