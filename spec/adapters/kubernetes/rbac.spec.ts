import { readFileSync } from 'node:fs'
import { resources } from '@weir/adapters/kubernetes/resource.js'
import { kindsWithStatus } from '@weir/adapters/kubernetes/validity.js'
import { expect } from 'chai'
import { parseAllDocuments } from 'yaml'
import { ApiServer } from './api-server.js'
import { Followed, until } from './following.js'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

interface Granting {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly rules?: readonly Rule[]
}

/** `list cilium.io/ciliumcidrgroups` for each that a role grants. */
function grantedBy(role: string): readonly string[] {
  const text = readFileSync(new URL('../../../../deploy/rbac.yaml', import.meta.url), 'utf8')
  return parseAllDocuments(text)
    .map(document => document.toJS() as Granting)
    .filter(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === role)
    .flatMap(({ rules = [] }) => rules)
    .flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap(group => resources.flatMap(resource => verbs.map(verb => `${verb} ${group}/${resource}`))),
    )
    .sort()
}

describe('the roles of an agent at the API server', function () {
  this.timeout(20_000)

  it('grant what the agent asks for and nothing else', async () => {
    const server = new ApiServer()
    await server.start()
    for (const resource of resources) if (resource.isCustom) server.define(resource)
    for (const of of resources.filter(({ kind }) => kindsWithStatus.has(kind)))
      server.put(of, {
        metadata: { name: 'broken', ...(of.namespaced && { namespace: 'shop' }) },
        spec: { unknown: 1 },
      })
    const followed = new Followed(server, { writesBack: true, times: 500 })
    await followed.settled()
    const asked = (isWrite: boolean): readonly string[] => {
      const some = server.requests.filter(({ verb }) => isWrite === (verb === 'create' || verb === 'patch'))
      return [...new Set(some.map(({ verb, group, resource }) => `${verb} ${group}/${resource}`))].sort()
    }
    await until(() => asked(false).length >= 2 * (resources.length + 1) && asked(true).length >= 4)
    await followed.stop()
    await server.stop()
    expect(grantedBy('weir')).to.deep.equal(asked(false))
    expect(grantedBy('weir-write')).to.deep.equal(asked(true))
  })
})
