import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PolicyView } from '@weir/adapters/agent/protocol.js'
import { diffFacts } from '@weir/adapters/manifests/diff.js'
import { ManifestReader, readManifests } from '@weir/adapters/manifests/read.js'
import { Engine } from '@weir/core'
import { expect } from 'chai'
import { runWeir } from '../cli/run.js'
import { inFolder, pod } from './folder.js'

const metadata = (stage: string): string => `metadata: {name: p, annotations: {weir.io/stage: "${stage}"}}`
const dialects: Readonly<Record<string, (stage: string) => string>> = {
  NetworkPolicy: stage =>
    `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n${metadata(stage)}\nspec: {podSelector: {}}\n`,
  CiliumNetworkPolicy: stage =>
    `apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n${metadata(stage)}\nspec: {endpointSelector: {}, ingress: [{}]}\n`,
  ClusterNetworkPolicy: stage =>
    `apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n${metadata(stage)}
spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}\n`,
}

describe('manifests: staged policies', () => {
  for (const [kind, text] of Object.entries(dialects))
    it(`are told once, put into force and taken out of it by their annotation, and deleted: ${kind}`, async () => {
      await inFolder({ 'a.yaml': text('true') }, async folder => {
        const engine = new Engine()
        const reader = new ManifestReader(folder)
        let isLater = false
        const next = async (): Promise<readonly string[]> => {
          const drafts = diffFacts(engine.state, await reader.read(), { timeMs: 0, afterLast: isLater })
          isLater = true
          engine.apply(drafts.map((draft, at) => ({ ...draft, seq: engine.seq + 1 + at })))
          return drafts.map(draft => draft.kind.split('.')[1]!)
        }
        const inForce = (): boolean => [...engine.rules()].some(({ origin }) => origin.seq > 0)
        expect([await next(), engine.state.staged.size, inForce()]).deep.equals([['upserted'], 1, false])
        expect(await next()).deep.equals([])
        expect(diffFacts(engine.state, await readManifests(folder), { timeMs: 0 })).deep.equals([])
        await writeFile(join(folder, 'a.yaml'), text('false'))
        expect([await next(), engine.state.staged.size, inForce()]).deep.equals([['upserted'], 0, true])
        await writeFile(join(folder, 'a.yaml'), text('true'))
        expect([await next(), engine.state.staged.size, inForce()]).deep.equals([['upserted'], 1, false])
        await writeFile(join(folder, 'a.yaml'), text('yes'))
        expect([await next(), engine.state.staged.size]).deep.equals([['refused'], 1])
        await rm(join(folder, 'a.yaml'))
        expect([await next(), engine.state.staged.size]).deep.equals([['deleted', 'accepted'], 0])
        expect(diffFacts(engine.state, await readManifests(folder), { timeMs: 0 })).deep.equals([])
      })
    })

  it('are listed as such, with the pods that they would select', async () => {
    await inFolder({ 'a.yaml': dialects.NetworkPolicy!('true'), 'b.yaml': pod('web') }, async folder => {
      const { out, code } = await runWeir(['get', 'policies', '--log', folder])
      expect(code).equals(0)
      expect(out[1]).matches(/^NetworkPolicy +default +p +STAGED +ingress +1 /)
      const json = await runWeir(['get', 'policies', '--log', folder, '-o', 'json'])
      expect((JSON.parse(json.out[0]!) as PolicyView[])[0]).includes({ state: 'staged', pods: 1 })
    })
  })
})
