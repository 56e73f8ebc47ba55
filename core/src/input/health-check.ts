import { left, right } from 'fp-ts/lib/Either.js'
import type { Problem } from '../errors.js'
import type { HealthCheck } from '../event/service.js'
import type { ObjectMeta } from './metadata.js'
import type { Parsed } from './problem.js'

/** `tcp`, `http` (GET /), or `http:/path`. */
const kindKey = 'weir.io/health-check'

/** The others, with the field that each sets, its default and its bounds. */
const numberKeys = [
  ['weir.io/health-check-interval', 'intervalSeconds', 10, 3600],
  ['weir.io/health-check-timeout', 'timeoutSeconds', 2, 60],
  ['weir.io/health-check-failures', 'failures', 3, 100],
  ['weir.io/health-check-successes', 'successes', 2, 100],
] as const

const pathMost = 1024

/** How a service's annotations ask for its endpoints to be tried; undefined where they don't. */
export function healthCheckOf({ annotations }: ObjectMeta): Parsed<HealthCheck | undefined> {
  const values = new Map(annotations)
  const kind = values.get(kindKey)
  const problems: Problem[] = []
  const wrong = (key: string, message: string, expected: string): void => {
    problems.push({ path: `metadata.annotations[${key}]`, message, value: values.get(key) ?? '', expected })
  }
  const check = { intervalSeconds: 0, timeoutSeconds: 0, failures: 0, successes: 0 }
  for (const [key, field, usual, most] of numberKeys) {
    const text = values.get(key)
    if (text !== undefined && kind === undefined) wrong(key, `there is no ${kindKey} beside it`, `${kindKey}: tcp`)
    else if (text !== undefined && (!/^[1-9]\d{0,3}$/.test(text) || Number(text) > most))
      wrong(key, 'this is not a number that it can be', `a whole number from 1 to ${most}, as text`)
    else check[field] = Number(text ?? usual)
  }
  const [, name, path = '/'] = /^(tcp|http)(?::(\/[\x21-\x7e]*))?$/.exec(kind ?? 'tcp') ?? []
  if (name === undefined || (name === 'tcp' && kind?.includes(':')) || path.length > pathMost)
    wrong(kindKey, 'this is no way to try an endpoint', 'tcp, http or http:/path')
  if (problems.length > 0) return left(problems)
  if (kind === undefined) return right(undefined)
  return right(name === 'http' ? { kind: 'http', path, ...check } : { kind: 'tcp', ...check })
}
