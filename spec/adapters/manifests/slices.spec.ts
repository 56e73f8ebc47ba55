import { assignAddresses } from '@weir/adapters/manifests/addresses.js'
import { diffFacts } from '@weir/adapters/manifests/diff.js'
import { nothingKnown } from '@weir/adapters/manifests/known.js'
import { ManifestReader } from '@weir/adapters/manifests/read.js'
import { deriveSlices } from '@weir/adapters/manifests/slices.js'
import { Engine, type EventDraft } from '@weir/core'
import { expect } from 'chai'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inFolder } from './folder.js'

const pod = (name: string, port: number, extra = '') => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: {app: web}}
spec:
  nodeName: n1
  containers: [{name: c, ports: [{name: http, containerPort: ${port}}]}]
${extra}`
const service = (spec: string, name = 'web') => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: ${spec}
`
const named = '{clusterIP: 10.96.0.1, selector: {app: web}, ports: [{port: 80, targetPort: http}]}'
const podCidrs = ['10.244.0.0/24', 'fd00:244::/64']

/** A folder that is read, and its facts folded, as an agent does. */
class Follower {
  readonly engine = new Engine()
  readonly #reader: ManifestReader
  readonly #cidrs: readonly string[]

  constructor(folder: string, cidrs: readonly string[] = podCidrs) {
    this.#reader = new ManifestReader(folder)
    this.#cidrs = cidrs
  }

  async follow(): Promise<readonly EventDraft[]> {
    const { state } = this.engine
    const set = assignAddresses(await this.#reader.read(), state, { podCidrs: this.#cidrs })
    const drafts = diffFacts(state, deriveSlices(set, state), { timeMs: 0 })
    this.engine.apply(drafts.map((draft, index) => ({ ...draft, seq: this.engine.seq + 1 + index })))
    return drafts
  }

  endpoints(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(
      [...this.engine.state.endpointSlices].map(([key, { fact }]) => [
        `${key} ${fact.ports.map(({ name, port }) => `${name}:${port}`).join()}`,
        fact.endpoints.map(({ addresses, pod: name }) => `${name} ${addresses.join()}`),
      ]),
    )
  }
}

const following = async (files: Readonly<Record<string, string>>, cidrs = podCidrs) => {
  let found: { follower: Follower; drafts: readonly EventDraft[] } | undefined
  await inFolder(files, async folder => {
    const follower = new Follower(folder, cidrs)
    found = { follower, drafts: await follower.follow() }
  })
  return found!
}

describe('manifests: derived slices', () => {
  it('are a service’s pods by family and by what a name means to them', async () => {
    const { follower, drafts } = await following({
      'a.yaml': [service(named), pod('a', 8080), pod('b', 9090), pod('c', 8080)].join('---'),
    })
    expect(follower.endpoints()).deep.equals({
      'shop/web-derived-ipv4-1 :8080': ['a 10.244.0.2', 'c 10.244.0.4'],
      'shop/web-derived-ipv4-2 :9090': ['b 10.244.0.3'],
      'shop/web-derived-ipv6-1 :8080': ['a fd00:244::2', 'c fd00:244::4'],
      'shop/web-derived-ipv6-2 :9090': ['b fd00:244::3'],
    })
    const sources = drafts.filter(({ kind }) => kind === 'endpointslice.upserted').map(({ source }) => source)
    expect(new Set(sources.map(source => source.replace(/:.*[/]/, ':')))).deep.equals(new Set(['derived:a.yaml:2']))
    expect([...follower.engine.tables.backends].map(([, row]) => `${row.address}:${row.port}`)).has.members([
      ...['10.244.0.2:8080', '10.244.0.4:8080', '10.244.0.3:9090'],
      ...['fd00:244::2:8080', 'fd00:244::4:8080', 'fd00:244::3:9090'],
    ])
  })

  it('are not there for services that select nobody, have slices of their own, or no address by nature', async () => {
    const slice = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: own-1, namespace: shop, labels: {kubernetes.io/service-name: own}}
addressType: IPv4
endpoints: [{addresses: [192.0.2.1]}]
ports: [{port: 1}]
`
    const ports = 'ports: [{port: 80}]'
    const { follower } = await following({
      'a.yaml': [
        pod('a', 8080),
        service(`{${ports}}`, 'none'),
        service(`{clusterIP: None, selector: {app: web}, ${ports}}`, 'headless'),
        service(`{type: ExternalName, externalName: a.example, selector: {app: web}}`, 'name'),
        service(`{selector: {app: web}, ${ports}}`, 'own'),
        service(`{selector: {app: other}, ${ports}}`, 'other'),
        service(`{selector: {app: web}, ports: [{port: 80, targetPort: admin}]}`, 'unknown-port'),
        slice,
      ].join('---'),
    })
    expect(Object.keys(follower.endpoints())).deep.equals(['shop/own-1 :1'])
  })

  it('know who is ready, and who serves while it terminates', async () => {
    const notReady = 'status: {conditions: [{type: Ready, status: "False"}]}\n'
    const { follower } = await following(
      { 'a.yaml': [service(named), pod('a', 1), pod('b', 1, notReady)].join('---') },
      ['10.244.0.0/24'],
    )
    const [slice] = [...follower.engine.state.endpointSlices.values()]
    expect(
      slice?.fact.endpoints.map(({ ready, serving, terminating, node }) => [ready, serving, terminating, node]),
    ).deep.equals([
      [true, true, false, 'n1'],
      [false, false, false, 'n1'],
    ])
    const ending = pod('c', 1).replace('name: c,', 'name: c, deletionTimestamp: "2026-01-01T00:00:00Z",')
    const second = await following({ 'a.yaml': [service(named), ending].join('---') }, ['10.244.0.0/24'])
    const [endpoint] = [...second.follower.engine.state.endpointSlices.values()][0]!.fact.endpoints
    expect([endpoint?.ready, endpoint?.serving, endpoint?.terminating]).deep.equals([false, true, true])
  })

  it('follow pods and services, and are said once', async () => {
    await inFolder({ 'a.yaml': service(named), 'b.yaml': pod('a', 80), 'c.yaml': pod('b', 80) }, async folder => {
      const follower = new Follower(folder, ['10.244.0.0/24'])
      await follower.follow()
      expect(await follower.follow()).deep.equals([])
      await writeFile(join(folder, 'c.yaml'), '')
      await follower.follow()
      expect(follower.endpoints()).deep.equals({ 'shop/web-derived-ipv4-1 :80': ['a 10.244.0.2'] })
      await writeFile(join(folder, 'a.yaml'), '')
      await follower.follow()
      expect(follower.endpoints()).deep.equals({})
    })
  })

  it('stay while what they follow from is refused, and stands', async () => {
    await inFolder({ 'a.yaml': service(named), 'b.yaml': pod('a', 80), 'c.yaml': pod('b', 80) }, async folder => {
      const follower = new Follower(folder, ['10.244.0.0/24'])
      await follower.follow()
      const before = follower.endpoints()
      await writeFile(join(folder, 'c.yaml'), pod('b', 99_999))
      await writeFile(join(folder, 'a.yaml'), service('{ports: x}'))
      const drafts = await follower.follow()
      expect(drafts.map(({ kind }) => kind)).deep.equals(['input.refused', 'input.refused'])
      expect(follower.endpoints()).deep.equals(before)
      await writeFile(join(folder, 'b.yaml'), '{')
      await follower.follow()
      expect(follower.endpoints(), 'a file that can’t be read').deep.equals(before)
    })
  })

  it('make no difference to a set without services', () => {
    const set = { root: '/x', objects: [], refusals: [], skipped: [], incomplete: false }
    expect(deriveSlices(set, nothingKnown)).equals(set)
  })
})
