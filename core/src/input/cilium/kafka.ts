import { right } from 'fp-ts/lib/Either.js'
import type { KafkaRule } from '../../event/cilium.js'
import { nearestWord } from '../nearest.js'
import { fieldPath } from '../path.js'
import { type Parsed, refuse } from '../problem.js'
import { oneOf, optional, optionalText, type Reader, record, text, andThen } from '../reader.js'
import { matching, present, within } from '../shape.js'

/** The requests of Kafka's protocol, keys 0 to 44, in lower case. */
const apiKeys: readonly string[] = [
  ...['produce', 'fetch', 'offsets', 'metadata', 'leaderandisr', 'stopreplica', 'updatemetadata'],
  ...['controlledshutdown', 'offsetcommit', 'offsetfetch', 'findcoordinator', 'joingroup', 'heartbeat'],
  ...['leavegroup', 'syncgroup', 'describegroups', 'listgroups', 'saslhandshake', 'apiversions'],
  ...['createtopics', 'deletetopics', 'deleterecords', 'initproducerid', 'offsetforleaderepoch'],
  ...['addpartitionstotxn', 'addoffsetstotxn', 'endtxn', 'writetxnmarkers', 'txnoffsetcommit', 'describeacls'],
  ...['createacls', 'deleteacls', 'describeconfigs', 'alterconfigs', 'alterreplicalogdirs', 'describelogdirs'],
  ...['saslauthenticate', 'createpartitions', 'createdelegationtoken', 'renewdelegationtoken'],
  ...['expiredelegationtoken', 'describedelegationtoken', 'deletegroups', 'electleaders'],
  ...['incrementalalterconfigs'],
]

const apiKey: Reader<string> = andThen(text, (source, path) => {
  const key = source.toLowerCase()
  if (apiKeys.includes(key)) return right(key)
  const near = nearestWord(key, apiKeys) ?? 'the name of a Kafka request, such as produce, fetch or metadata'
  return refuse(path, 'Kafka has no request of this name', source, near)
})

/** Versions are 16-bit numbers in Kafka's protocol. */
const apiVersion: Reader<string> = andThen(text, (source, path) =>
  /^(0|[1-9]\d{0,4})$/.test(source) && Number(source) <= 32767
    ? right(source)
    : refuse(path, 'this is not a version of a Kafka request', source, 'a number from 0 to 32767, in quotes'),
)

const topic = matching(
  within(text, 255),
  /^[A-Za-z0-9._-]+$/,
  'the name of a Kafka topic',
  'letters, digits, ".", "-" and "_"',
)

/** An item of `rules.kafka`. */
export const kafkaRule: Reader<KafkaRule> = andThen(
  record({
    role: optional(oneOf(['produce', 'consume']), undefined),
    apiKey: optionalText(apiKey, undefined),
    apiVersion: optionalText(apiVersion, undefined),
    clientID: optionalText(text, undefined),
    topic: optionalText(topic, undefined),
  }),
  ({ role, apiKey, apiVersion, clientID, topic }, path): Parsed<KafkaRule> => {
    if (role !== undefined && apiKey !== undefined)
      return refuse(fieldPath(path, 'role'), 'role and apiKey stand side by side', role, 'either role or apiKey')
    return right(present({ role, apiKey, apiVersion, clientId: clientID, topic }))
  },
)
