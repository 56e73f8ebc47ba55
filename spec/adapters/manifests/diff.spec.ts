import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assignAddresses } from '@weir/adapters/manifests/addresses.js'
import { diffFacts } from '@weir/adapters/manifests/diff.js'
import { type KnownFacts, nothingKnown } from '@weir/adapters/manifests/known.js'
import { ManifestReader, readManifests } from '@weir/adapters/manifests/read.js'
import type { EventDraft } from '@weir/core/event/event.js'
import { expect } from 'chai'
import { deployment, inFolder, namespace, pod, policy } from './folder.js'

const options = { timeMs: 1000 }

/** The log's state after these drafts, kept as simply as can be. */
const stateAfter = (known: KnownFacts, drafts: readonly EventDraft[]): KnownFacts => {
  const next = {
    ...known,
    namespaces: new Map(known.namespaces),
    nodes: new Map(known.nodes),
    pods: new Map(known.pods),
    services: new Map(known.services),
    policies: new Map(known.policies),
    refusals: new Map(known.refusals),
  }
  const key = ({ namespace, name }: { namespace: string; name: string }) => `${namespace}/${name}`
  for (const draft of drafts) {
    if (draft.kind === 'namespace.upserted') next.namespaces.set(draft.namespace.name, { fact: draft.namespace })
    else if (draft.kind === 'namespace.deleted') next.namespaces.delete(draft.name)
    else if (draft.kind === 'node.upserted') next.nodes.set(draft.node.name, { fact: draft.node })
    else if (draft.kind === 'node.deleted') next.nodes.delete(draft.name)
    else if (draft.kind === 'pod.upserted') next.pods.set(key(draft.pod), { fact: draft.pod })
    else if (draft.kind === 'pod.deleted') next.pods.delete(key(draft))
    else if (draft.kind === 'networkpolicy.upserted') next.policies.set(key(draft.policy), { fact: draft.policy })
    else if (draft.kind === 'networkpolicy.deleted') next.policies.delete(key(draft))
    else if (draft.kind === 'input.refused') next.refusals.set(`${draft.object.kind}/${key(draft.object)}`, draft)
    else if (draft.kind === 'input.accepted') next.refusals.delete(`${draft.object.kind}/${key(draft.object)}`)
    else throw new Error(draft.kind)
  }
  return next
}

const titles = (drafts: readonly EventDraft[]) =>
  drafts.map(draft => {
    if (draft.kind === 'namespace.upserted') return `${draft.kind} ${draft.namespace.name}`
    if (draft.kind === 'pod.upserted') return `${draft.kind} ${draft.pod.name}`
    if (draft.kind === 'networkpolicy.upserted') return `${draft.kind} ${draft.policy.name}`
    if (draft.kind === 'input.refused' || draft.kind === 'input.accepted') return `${draft.kind} ${draft.object.name}`
    return 'name' in draft ? `${draft.kind} ${draft.name}` : draft.kind
  })

describe('manifests: diff against the log', () => {
  it('says all at first, in the order that is safe, and nothing after a restart', async () => {
    const files = { 'a.yaml': `${deployment('web', 2)}---\n${policy('p')}---\n${namespace('shop')}` }
    await inFolder(files, async folder => {
      const first = diffFacts(nothingKnown, await readManifests(folder), options)
      expect(titles(first)).to.deep.equal([
        'namespace.upserted shop',
        'networkpolicy.upserted p',
        'pod.upserted web-0',
        'pod.upserted web-1',
      ])
      expect(first.map(({ source, time }) => [source, time])).to.deep.equal(
        [18, 12, 1, 1].map(line => [`manifests:${join(folder, 'a.yaml')}:${line}`, 1000]),
      )
      expect(diffFacts(stateAfter(nothingKnown, first), await readManifests(folder), options)).to.deep.equal([])
    })
  })

  it('says only what differs: a change, a scale-down, a deletion; not a comment or another order', async () => {
    const text = (selector: string, replicas: number) =>
      `${policy('p', `{podSelector: {matchLabels: ${selector}}}`)}---\n${deployment('web', replicas)}`
    await inFolder({ 'a.yaml': text('{a: x, b: z}', 2), 'b.yaml': policy('q') }, async folder => {
      let known = stateAfter(nothingKnown, diffFacts(nothingKnown, await readManifests(folder), options))
      const next = async (content: string) => {
        await writeFile(join(folder, 'a.yaml'), content)
        const drafts = diffFacts(known, await readManifests(folder), options)
        known = stateAfter(known, drafts)
        return titles(drafts)
      }
      expect(await next(`# a comment\n${text('{b: z, a: x}', 2)}`)).to.deep.equal([])
      expect(await next(text('{a: x}', 1))).to.deep.equal(['networkpolicy.upserted p', 'pod.deleted web-1'])
      await rm(join(folder, 'b.yaml'))
      expect(await next('')).to.deep.equal(['pod.deleted web-0', 'networkpolicy.deleted p', 'networkpolicy.deleted q'])
    })
  })

  it('leaves in force what is refused, and says when it is accepted again', async () => {
    await inFolder({ 'a.yaml': policy('p'), 'b.yaml': deployment('web', 2) }, async folder => {
      let known = stateAfter(nothingKnown, diffFacts(nothingKnown, await readManifests(folder), options))
      const next = async () => {
        const drafts = diffFacts(known, await readManifests(folder), options)
        known = stateAfter(known, drafts)
        return titles(drafts)
      }
      await writeFile(join(folder, 'a.yaml'), policy('p', '{podSelector: 5}'))
      await writeFile(join(folder, 'b.yaml'), deployment('web', 2).replace('replicas: 2', 'replicas: two'))
      expect(await next()).to.deep.equal(['input.refused web', 'input.refused p'])
      expect(await next()).to.deep.equal([])
      await writeFile(join(folder, 'a.yaml'), policy('p', '{podSelector: 6}'))
      expect(await next()).to.deep.equal(['input.refused p'])
      await writeFile(join(folder, 'a.yaml'), policy('p'))
      await rm(join(folder, 'b.yaml'))
      expect(await next()).to.deep.equal([
        'pod.deleted web-0',
        'pod.deleted web-1',
        'input.accepted web',
        'input.accepted p',
      ])
    })
  })

  it('deletes nothing for a file that is broken as a whole, known before or not', async () => {
    await inFolder({ 'a.yaml': policy('p'), 'b.yaml': policy('q') }, async folder => {
      const reader = new ManifestReader(folder)
      const known = stateAfter(nothingKnown, diffFacts(nothingKnown, await reader.read(), options))
      await writeFile(join(folder, 'a.yaml'), 'a: [')
      await rm(join(folder, 'b.yaml'))
      // The reader that saw the file whole knows what it held: others' deletions pass.
      expect(titles(diffFacts(known, await reader.read(), options))).to.deep.equal([
        'networkpolicy.deleted q',
        `input.refused ${join(folder, 'a.yaml')}`,
      ])
      // A new reader can't tell what was in it: nothing is deleted.
      expect(titles(diffFacts(known, await readManifests(folder), options))).to.deep.equal([
        `input.refused ${join(folder, 'a.yaml')}`,
      ])
    })
  })

  it('keeps what a vanished folder said, and lets an object move out of a broken file', async () => {
    await inFolder({ 'm/a.yaml': `${policy('p')}---\n${policy('q')}` }, async folder => {
      const reader = new ManifestReader(join(folder, 'm'))
      const known = stateAfter(nothingKnown, diffFacts(nothingKnown, await reader.read(), options))
      await writeFile(join(folder, 'm/a.yaml'), 'a: [')
      await writeFile(join(folder, 'm/b.yaml'), policy('q', '{podSelector: {}, policyTypes: [Egress]}'))
      expect(titles(diffFacts(known, await reader.read(), options))[0]).to.equal('networkpolicy.upserted q')
      await rm(join(folder, 'm'), { recursive: true })
      const gone = await reader.read()
      expect(gone.objects.map(({ object }) => object.name)).to.have.members(['p', 'q'])
      expect(gone.refusals.map(({ code }) => code)).to.include('WEIR_MANIFEST_UNREADABLE')
    })
  })

  it("never deletes the agent's own node, nor what its caller says is not of manifests", async () => {
    await inFolder({}, async folder => {
      const node = (name: string) => ({ fact: { name, labels: {}, addresses: [], podCidrs: [] } })
      const known: KnownFacts = {
        ...nothingKnown,
        agent: { fact: { node: 'mine', cluster: 'c', labelFilter: [] } },
        nodes: new Map(['mine', 'other', 'foreign'].map(name => [name, node(name)])),
      }
      const drafts = diffFacts(known, await readManifests(folder), {
        ...options,
        owns: ({ name }) => name !== 'foreign',
      })
      expect(titles(drafts)).to.deep.equal(['node.deleted other'])
    })
  })

  it('frees an address before it gives it again', async () => {
    await inFolder({ 'a.yaml': pod('a', 'status: {podIP: 10.0.0.2}\n') }, async folder => {
      const known = stateAfter(nothingKnown, diffFacts(nothingKnown, await readManifests(folder), options))
      await writeFile(join(folder, 'a.yaml'), pod('b', 'status: {podIP: 10.0.0.2}\n'))
      expect(titles(diffFacts(known, await readManifests(folder), options))).to.deep.equal([
        'pod.deleted a',
        'pod.upserted b',
      ])
    })
  })

  it('is at rest after addresses were assigned from the state', async () => {
    await inFolder({ 'a.yaml': deployment('web', 3) }, async folder => {
      const podCidrs = ['10.244.0.0/24', 'fd00::/64']
      const desired = async (known: KnownFacts) => assignAddresses(await readManifests(folder), known, { podCidrs })
      const known = stateAfter(nothingKnown, diffFacts(nothingKnown, await desired(nothingKnown), options))
      expect(known.pods.get('default/web-1')?.fact.addresses).to.deep.equal(['10.244.0.3', 'fd00::3'])
      expect(diffFacts(known, await desired(known), options)).to.deep.equal([])
    })
  })
})
