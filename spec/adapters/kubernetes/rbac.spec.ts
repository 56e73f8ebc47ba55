import { readFileSync } from 'node:fs'
import { resources } from '@weir/adapters/kubernetes/resource.js'
import { expect } from 'chai'
import { parseAllDocuments } from 'yaml'
import { ApiServer } from './api-server.js'
import { Followed } from './following.js'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

/** `list cilium.io/ciliumcidrgroups` for each of them. */
function granted(): readonly string[] {
  const text = readFileSync(new URL('../../../../deploy/rbac.yaml', import.meta.url), 'utf8')
  const roles = parseAllDocuments(text)
    .map(document => document.toJS() as { readonly kind: string; readonly rules?: readonly Rule[] })
    .filter(({ kind }) => kind === 'ClusterRole')
  return roles
    .flatMap(({ rules = [] }) => rules)
    .flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap(group => resources.flatMap(resource => verbs.map(verb => `${verb} ${group}/${resource}`))),
    )
    .sort()
}

describe('the role of an agent at the API server', () => {
  it('grants what the agent asks for and nothing else', async () => {
    const server = new ApiServer()
    await server.start()
    for (const resource of resources) if (resource.isCustom) server.define(resource)
    const followed = new Followed(server)
    await followed.settled()
    const all = () => new Set(server.requests.map(({ verb, group, resource }) => `${verb} ${group}/${resource}`))
    while (all().size < 2 * (resources.length + 1)) await new Promise(resolve => setTimeout(resolve, 5))
    await followed.stop()
    await server.stop()
    expect(granted()).to.deep.equal([...all()].sort())
  })
})
