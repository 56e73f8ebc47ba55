import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { diffFacts } from '@weir/adapters/manifests/diff.js'
import { type KnownFacts, nothingKnown } from '@weir/adapters/manifests/known.js'
import { readManifests } from '@weir/adapters/manifests/read.js'
import type { EventDraft } from '@weir/core/event/event.js'
import { expect } from 'chai'
import { ciliumPolicy, everyDialect } from './dialects.js'
import { inFolder } from './folder.js'

const options = { timeMs: 1000 }

/** What the log holds after these drafts, which are upserts alone. */
const holding = (drafts: readonly EventDraft[]): KnownFacts => {
  const facts = <K extends EventDraft['kind'], F>(kind: K, factOf: (draft: Extract<EventDraft, { kind: K }>) => F) =>
    new Map(
      drafts
        .filter((draft): draft is Extract<EventDraft, { kind: K }> => draft.kind === kind)
        .map((draft, index) => [`${index}`, { fact: factOf(draft) }] as const),
    )
  return {
    ...nothingKnown,
    pods: facts('pod.upserted', ({ pod }) => pod),
    services: facts('service.upserted', ({ service }) => service),
    policies: facts('networkpolicy.upserted', ({ policy }) => policy),
    ciliumPolicies: facts('ciliumpolicy.upserted', ({ policy }) => policy),
    clusterPolicies: facts('clusterpolicy.upserted', ({ policy }) => policy),
    cidrGroups: facts('cidrgroup.upserted', ({ group }) => group),
    endpointSlices: facts('endpointslice.upserted', ({ slice }) => slice),
  }
}

const upserts = [
  'cidrgroup.upserted',
  'endpointslice.upserted',
  'service.upserted',
  'clusterpolicy.upserted',
  'clusterpolicy.upserted',
  'clusterpolicy.upserted',
  'ciliumpolicy.upserted',
  'ciliumpolicy.upserted',
  'networkpolicy.upserted',
  'pod.upserted',
]

describe('manifests: policies of every dialect', () => {
  it('reach the log after what they refer to and before the pods they select, and then rest', async () => {
    await inFolder({ 'a.yaml': everyDialect }, async folder => {
      const set = await readManifests(folder)
      expect([set.refusals, set.skipped]).to.deep.equal([[], []])
      const drafts = diffFacts(nothingKnown, set, options)
      expect(drafts.map(({ kind }) => kind)).to.deep.equal(upserts)
      expect(diffFacts(holding(drafts), set, options)).to.deep.equal([])
    })
  })

  it('leave it in the opposite order, each under its own kind', async () => {
    await inFolder({ 'a.yaml': everyDialect }, async folder => {
      const known = holding(diffFacts(nothingKnown, await readManifests(folder), options))
      await rm(join(folder, 'a.yaml'))
      const drafts = diffFacts(known, await readManifests(folder), options)
      const gone = drafts.map(({ time: _time, source: _source, ...body }) => body)
      const shop = { namespace: 'shop' }
      expect(gone).to.deep.equal([
        { kind: 'pod.deleted', ...shop, name: 'web' },
        { kind: 'networkpolicy.deleted', ...shop, name: 'p' },
        { kind: 'ciliumpolicy.deleted', policyKind: 'CiliumClusterwideNetworkPolicy', namespace: '', name: 'p' },
        { kind: 'ciliumpolicy.deleted', policyKind: 'CiliumNetworkPolicy', ...shop, name: 'p' },
        { kind: 'clusterpolicy.deleted', policyKind: 'AdminNetworkPolicy', name: 'default' },
        { kind: 'clusterpolicy.deleted', policyKind: 'BaselineAdminNetworkPolicy', name: 'default' },
        { kind: 'clusterpolicy.deleted', policyKind: 'ClusterNetworkPolicy', name: 'default' },
        { kind: 'service.deleted', ...shop, name: 'db' },
        { kind: 'endpointslice.deleted', ...shop, name: 'db-1' },
        { kind: 'cidrgroup.deleted', name: 'offices' },
      ])
    })
  })

  it('are known to a log that says nothing of them yet', async () => {
    await inFolder({ 'a.yaml': everyDialect }, async folder => {
      const { ciliumPolicies: _none, cidrGroups: _nor, ...known } = holding([])
      expect(diffFacts(known, await readManifests(folder), options).map(({ kind }) => kind)).to.deep.equal(upserts)
    })
  })

  it('stay in force as they were while their file is wrong, and each error has its line', async () => {
    const good = ciliumPolicy('spec:\n  endpointSelector: {}\n  ingress: [{}]\n')
    await inFolder({ 'a.yaml': good }, async folder => {
      const known = holding(diffFacts(nothingKnown, await readManifests(folder), options))
      const bad = ciliumPolicy(
        [
          'specs:',
          '- endpointSelector: {}',
          '  egress:',
          '  - toEntities: [wurld]',
          '    toPorts:',
          '    - ports:',
          '      - port: 80',
          '  - toEndpoints: [{}]',
          '    toCIDR: [10.0.0.0/8]',
        ].join('\n'),
      )
      await writeFile(join(folder, 'a.yaml'), bad)
      const drafts = diffFacts(known, await readManifests(folder), options)
      expect(drafts.map(({ kind }) => kind)).to.deep.equal(['input.refused'])
      const [draft] = drafts
      if (draft?.kind !== 'input.refused') throw new Error(draft?.kind)
      expect(draft.object).to.deep.equal({ kind: 'CiliumNetworkPolicy', namespace: 'default', name: 'p' })
      expect(draft.problems.map(({ path, line, value }) => [path, line, value])).to.deep.equal([
        ['specs[0].egress[0].toEntities[0]', 7, '"wurld"'],
        ['specs[0].egress[0].toPorts[0].ports[0].port', 10, '80'],
        ['specs[0].egress[1].toCIDR', 12, undefined],
      ])
    })
  })

  it('keep the two kinds of Cilium’s policies of one name apart', async () => {
    const clusterwide = `apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: p}\n`
    const spec = 'spec: {endpointSelector: {}, ingress: [{}]}\n'
    await inFolder({ 'a.yaml': `${ciliumPolicy(spec)}---\n${clusterwide}${spec}` }, async folder => {
      const set = await readManifests(folder)
      expect(set.refusals).to.deep.equal([])
      expect(diffFacts(nothingKnown, set, options)).to.have.length(2)
    })
  })

  it('refuse a second definition of one group, whichever version it is written in', async () => {
    const group = (version: string) =>
      `apiVersion: cilium.io/${version}\nkind: CiliumCIDRGroup\nmetadata: {name: g}\nspec: {externalCIDRs: []}\n`
    await inFolder({ 'a.yaml': `${group('v2')}---\n${group('v2alpha1')}` }, async folder => {
      const { refusals } = await readManifests(folder)
      expect(refusals.map(({ code }) => code)).to.deep.equal(['WEIR_MANIFEST_DUPLICATE'])
    })
  })
})
