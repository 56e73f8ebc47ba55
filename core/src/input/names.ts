import { isLeft, right } from 'fp-ts/lib/Either.js'
import { missing, refuse } from './problem.js'
import { type Reader, text, andThen } from './reader.js'

const named =
  (what: string, longest: number, pattern: RegExp, expected: string): Reader<string> =>
  (value, path) =>
    andThen(text, name => {
      if (name === '') return missing(path, expected)
      if (name.length > longest)
        return refuse(path, `${what} is longer than ${longest} characters`, name, `at most ${longest} characters`)
      return pattern.test(name) ? right(name) : refuse(path, `this is not ${what}`, name, expected)
    })(value, path)

/** RFC 1123 label: names of namespaces. */
export const dnsLabel = named(
  'a DNS label',
  63,
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  'lower-case letters, digits and "-", with a letter or digit first and last',
)

/** RFC 1035 label: names of services. */
export const dnsServiceLabel = named(
  'a service name',
  63,
  /^[a-z]([-a-z0-9]*[a-z0-9])?$/,
  'lower-case letters, digits and "-", with a letter first and a letter or digit last',
)

/** RFC 1123 subdomain: names of most objects. */
export const dnsSubdomain = named(
  'a DNS subdomain',
  253,
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  'lower-case letters, digits, "-" and ".", with a letter or digit first and last',
)

const qualifiedName = named(
  'the name of a label key',
  63,
  /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/,
  'letters, digits, "-", "_" and ".", with a letter or digit first and last',
)

/** A label key: a name of at most 63 characters, or a DNS subdomain, "/" and such a name. */
export const labelKey: Reader<string> = (value, path) =>
  andThen(text, key => {
    const parts = key.split('/', 3)
    if (parts.length > 2) return refuse(path, 'a label key has at most one "/"', key, 'example.com/name')
    const [first = '', second] = parts
    const prefix = second === undefined ? right('') : dnsSubdomain(first, path)
    if (isLeft(prefix)) return prefix
    const name = qualifiedName(second ?? first, path)
    return isLeft(name) ? name : right(key)
  })(value, path)

/** A label value: at most 63 characters, possibly none. */
export const labelValue: Reader<string> = (value, path) =>
  andThen(text, label => {
    if (label.length > 63)
      return refuse(path, 'a label value is longer than 63 characters', label, 'at most 63 characters')
    if (label === '' || /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(label)) return right(label)
    const expected = 'letters, digits, "-", "_" and ".", with a letter or digit first and last'
    return refuse(path, 'this is not a label value', label, expected)
  })(value, path)

const portNameRule = 'at most 15 lower-case letters, digits and single "-" inside, with at least one letter'

/** The name of a port (IANA service name, RFC 6335). */
export const portName: Reader<string> = (value, path) =>
  andThen(text, name => {
    if (/^\d{1,5}$/.test(name))
      return refuse(path, 'this is a string where a number belongs', name, `without quotes: ${Number(name)}`)
    if (name.length > 15) return refuse(path, 'the port name is longer than 15 characters', name, portNameRule)
    const legal = /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) && /[a-z]/.test(name)
    return legal ? right(name) : refuse(path, 'this is not a port name', name, portNameRule)
  })(value, path)
