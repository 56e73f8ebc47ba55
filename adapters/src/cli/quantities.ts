import { InvalidArgumentError } from 'commander'

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }
const bytesOf: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

/** `90s`, `10m`, `24h`, `7d`, `2w`, or `0`, in milliseconds. */
export function duration(text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text) ?? []
  if (text === '0') return 0
  if (amount === '') throw new InvalidArgumentError('A time is expected, such as 90s, 10m, 24h, 7d or 2w.')
  return Math.round(Number(amount) * secondsOf[unit]! * 1000)
}

/** `500MiB`, `2GiB`, or a number of bytes. */
export function byteSize(text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(|KiB|MiB|GiB|TiB)$/.exec(text) ?? []
  if (amount === '') throw new InvalidArgumentError('A size is expected, such as 500MiB or 2GiB.')
  return Math.round(Number(amount) * bytesOf[unit]!)
}

/**
 * A moment, as `duration` before now (with a minus or without) or a date, without a zone in UTC: to be asked with the time
 * that it is, in milliseconds.
 */
export function moment(text: string): (nowMs: number) => number {
  const ago = /^-?(\d+(?:\.\d+)?[smhdw])$/.exec(text)
  if (ago !== null) return nowMs => nowMs - duration(ago[1]!)
  const zoneless = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)$/.exec(text)
  const ms = Date.parse(zoneless === null ? text : `${zoneless[1]}T${zoneless[2]}Z`)
  if (!isDay(text) || Number.isNaN(ms))
    throw new InvalidArgumentError('A time is expected, such as 10m (ago) or 2026-01-31T12:00:00Z.')
  return () => ms
}

/** Whether a text begins with a day that there is: Date.parse takes February 30 for March 2. */
function isDay(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)/.exec(text) ?? []
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  return date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day)
}
