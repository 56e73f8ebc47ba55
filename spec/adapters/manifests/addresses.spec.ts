import { assignAddresses } from '@weir/adapters/manifests/addresses.js'
import { type KnownFacts, nothingKnown } from '@weir/adapters/manifests/known.js'
import { readManifests } from '@weir/adapters/manifests/read.js'
import type { ManifestSet } from '@weir/adapters/manifests/set.js'
import { WeirError } from '@weir/core/errors.js'
import type { PodFact } from '@weir/core/event/event.js'
import { expect } from 'chai'
import { inFolder, pod } from './folder.js'

const podsOf = (set: ManifestSet): readonly PodFact[] =>
  set.objects.flatMap(({ bodies }) => bodies.flatMap(body => (body.kind === 'pod.upserted' ? [body.pod] : [])))
const addressesOf = (set: ManifestSet) =>
  Object.fromEntries(podsOf(set).map(({ name, addresses }) => [name, addresses]))
const knowing = (pods: readonly PodFact[]): KnownFacts => ({
  ...nothingKnown,
  pods: new Map(pods.map(fact => [`${fact.namespace}/${fact.name}`, { fact }])),
})
const setOf = async (...pods: string[]): Promise<ManifestSet> => {
  let set: ManifestSet | undefined
  await inFolder({ 'a.yaml': pods.join('---\n') }, async folder => {
    set = await readManifests(folder)
  })
  return set!
}
const podCidrs = ['fd00:244::/64', '10.244.0.0/16']

describe('manifests: addresses', () => {
  it('gives the lowest of each block in the order of names, the first two left out', async () => {
    const set = assignAddresses(await setOf(pod('b'), pod('a')), nothingKnown, { podCidrs })
    expect(addressesOf(set)).to.deep.equal({
      b: ['10.244.0.3', 'fd00:244::3'],
      a: ['10.244.0.2', 'fd00:244::2'],
    })
  })
  it('keeps what the log says, whoever comes or goes, and gives no address away while it is in the log', async () => {
    const first = assignAddresses(await setOf(pod('b'), pod('d')), nothingKnown, { podCidrs })
    const next = assignAddresses(await setOf(pod('a'), pod('d'), pod('e')), knowing(podsOf(first)), { podCidrs })
    expect(addressesOf(next)).to.deep.equal({
      a: ['10.244.0.4', 'fd00:244::4'],
      d: ['10.244.0.3', 'fd00:244::3'],
      e: ['10.244.0.5', 'fd00:244::5'],
    })
    expect(assignAddresses(next, knowing(podsOf(next)), { podCidrs })).to.deep.equal(next)
  })
  it('leaves addresses that a manifest gives, and gives them to nobody else', async () => {
    const set = await setOf(pod('a'), pod('z', 'status: {podIP: 10.244.0.2}\n'))
    const known = knowing([{ ...podsOf(set)[0]!, addresses: ['10.244.0.2'] }])
    expect(addressesOf(assignAddresses(set, known, { podCidrs: ['10.244.0.0/16'] }))).to.deep.equal({
      a: ['10.244.0.3'],
      z: ['10.244.0.2'],
    })
  })
  it('adds the family that a pod lacks, and renumbers one that is outside the blocks', async () => {
    const set = await setOf(pod('a'))
    const known = (...addresses: string[]) => knowing([{ ...podsOf(set)[0]!, addresses }])
    expect(addressesOf(assignAddresses(set, known('10.244.0.9'), { podCidrs })).a).to.deep.equal([
      '10.244.0.9',
      'fd00:244::2',
    ])
    expect(addressesOf(assignAddresses(set, known('10.99.0.9'), { podCidrs })).a).to.deep.equal([
      '10.244.0.2',
      'fd00:244::2',
    ])
  })
  it('passes by pods of the host network and pods that have ended, and reserved addresses', async () => {
    const host = pod('h').replace('spec:\n', 'spec:\n  hostNetwork: true\n')
    const set = await setOf(host, pod('done', 'status: {phase: Succeeded, podIP: 10.244.0.7}\n'), pod('a'))
    const assigned = assignAddresses(set, nothingKnown, { podCidrs: ['10.244.0.0/16'], reserved: ['10.244.0.2'] })
    expect(addressesOf(assigned)).to.deep.equal({ h: [], done: [], a: ['10.244.0.3'] })
  })
  it('refuses the pod for which none is left, and gives the others theirs', async () => {
    const set = assignAddresses(await setOf(pod('a'), pod('b')), nothingKnown, { podCidrs: ['10.244.0.0/30'] })
    expect(addressesOf(set)).to.deep.equal({ a: ['10.244.0.2'], b: [] })
    expect(set.refusals.map(({ code, object }) => [code, object.name])).to.deep.equal([
      ['WEIR_MANIFEST_ADDRESSES_EXHAUSTED', 'b'],
    ])
  })
  it('throws for a block that is no CIDR', async () => {
    const set = await setOf(pod('a'))
    expect(() => assignAddresses(set, nothingKnown, { podCidrs: ['10.244.0.0'] }))
      .to.throw(WeirError)
      .with.property('code', 'WEIR_INPUT_INVALID')
  })
})
