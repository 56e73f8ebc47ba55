// Makes the log that docs/debugging.md looks into: the shop of examples/shop on a bad day, in a folder of its own.
// node examples/debugging/make-log.mjs FOLDER
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Engine } from '@weir/core'
import { EventLog, folderStorage } from '@weir/store'
import { diffFacts } from '@weir/adapters/manifests/diff.js'
import { readManifests } from '@weir/adapters/manifests/read.js'
import { deriveSlices } from '@weir/adapters/manifests/slices.js'

const shop = fileURLToPath(new URL('../shop', import.meta.url))
const day = Date.UTC(2026, 2, 2)
const at = (hours, minutes) => day + (hours * 60 + minutes) * 60_000

/** What happened to which file: a text that became another, at a time; undone before the next. */
export const incidents = [
  {
    time: at(10, 2),
    file: '40-policies-shop.yaml',
    was: /---\napiVersion: networking.k8s.io\/v1\nkind: NetworkPolicy\nmetadata: { name: cart, [\s\S]*?(?=---\n)/,
    is: '',
  },
  { time: at(11, 17), file: '40-policies-shop.yaml', was: 'values: [cart, payments]', is: 'values: [cart, paymnets]' },
  { time: at(13, 40), file: '00-namespaces.yaml', was: 'team: data', is: 'team: storage' },
  { time: at(15, 5), file: '40-policies-shop.yaml', was: 'cidr: 203.0.113.0/24', is: 'cidr: 203.0.113.0/26' },
  { time: at(16, 31), file: '10-shop.yaml', was: 'selector: { app: cart }', is: 'selector: { app: carts }' },
]

/** Writes FOLDER/manifests and FOLDER/log. */
export async function makeLog(folder) {
  const manifests = join(folder, 'manifests')
  await mkdir(folder, { recursive: true })
  await cp(shop, manifests, { recursive: true })
  const holder = { pid: process.pid, command: 'make-log', since: day }
  const log = await EventLog.open({ storage: folderStorage({ path: join(folder, 'log'), holder }) })
  const engine = new Engine()
  const append = async drafts => {
    const { first } = await log.append(drafts)
    engine.apply(drafts.map((draft, index) => ({ ...draft, seq: first + index })))
  }
  const follow = async timeMs => {
    const read = await readManifests(manifests)
    const set = { ...read, objects: read.objects.map(placed) }
    const isOthers = ({ namespace, name }) => `${namespace}${name}`.startsWith('batch')
    const facts = diffFacts(engine.state, deriveSlices(set, engine.state), { timeMs, owns: key => !isOthers(key) })
    await append(facts.filter(({ kind }) => kind !== 'host.observed'))
  }
  const name = 'node-1'
  const told = { time: at(9, 0), source: 'agent' }
  await append([
    { kind: 'agent.configured', agent: { node: name, cluster: 'default', labelFilter: [] }, ...told },
    { kind: 'node.upserted', node: { name, labels: {}, addresses: ['192.0.2.10'], podCidrs: [] }, ...told },
  ])
  await follow(at(9, 1))
  for (const [number, { time, file, was, is }] of incidents.entries()) {
    await append(othersOf(number, time))
    const path = join(manifests, file)
    const text = await readFile(path, 'utf8')
    const broken = text.replace(was, is)
    if (broken === text) throw new Error(`${file} has no ${was}`)
    await writeFile(path, broken)
    await follow(time)
    await append(othersOf(number + 0.5, time + 60_000))
    await writeFile(path, text)
    await follow(time + 30 * 60_000)
  }
  await log.close()
}

const addresses = new Map()
const addressOf = (name, block) => {
  if (!addresses.has(name)) addresses.set(name, `${block}.${addresses.size + 1}`)
  return addresses.get(name)
}

/** Pods and services have addresses and a node in a cluster, not in manifests. */
function placed(object) {
  const bodies = object.bodies.map(body => {
    if (body.kind === 'pod.upserted')
      return { ...body, pod: { ...body.pod, node: 'node-1', addresses: [addressOf(`pod ${body.pod.name}`, '10.0.1')] } }
    if (body.kind === 'service.upserted')
      return {
        ...body,
        service: { ...body.service, clusterIps: [addressOf(`service ${body.service.name}`, '10.96.0')] },
      }
    return body
  })
  return { ...object, bodies }
}

/** What else goes on: jobs of another namespace come and go. */
function othersOf(round, time) {
  const job = index => ({
    kind: 'pod.upserted',
    pod: {
      namespace: 'batch',
      name: `job-${round * 200 + index}`,
      labels: { app: 'job' },
      serviceAccount: 'default',
      node: 'node-2',
      addresses: [`10.0.${10 + round * 2}.${index + 1}`],
      hostNetwork: false,
      ports: [],
    },
    time: time - 60_000 + index * 100,
    source: 'kubernetes:resourceVersion=1',
  })
  return Array.from({ length: 100 }, (_, index) => job(index))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await makeLog(process.argv[2] ?? 'shop-day')
