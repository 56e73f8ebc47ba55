import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { readManifests } from '@weir/adapters/manifests/read.js'
import { keyText, type ManifestSet, refusalError } from '@weir/adapters/manifests/set.js'
import { expect } from 'chai'
import { deployment, inFolder, namespace, pod, policy } from './folder.js'

const names = (set: ManifestSet) => set.objects.map(({ object }) => keyText(object))
const refusals = (set: ManifestSet) =>
  set.refusals.map(({ code, object, problems }) => [
    code,
    object.name,
    problems.map(({ line, path }) => `${line} ${path}`),
  ])

describe('manifests: reading a folder', () => {
  it('reads YAML and JSON below it, many documents a file, in the order of files and lines', async () => {
    const files = {
      'b.yml': `# nothing yet\n---\n${policy('p')}---\n\n---\n# only a comment\n--- # and one more\n${namespace('last')}...\n`,
      'a/deep/one.json': JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'j' } }, null, '\t'),
      'c.yaml': '',
      'notes.txt': 'a: [',
      '.hidden.yaml': 'a: [',
    }
    await inFolder(files, async folder => {
      const set = await readManifests(folder)
      expect(names(set)).to.deep.equal(['Namespace//j', 'NetworkPolicy/default/p', 'Namespace//last'])
      expect(set.objects.map(({ file, line }) => [file, line])).to.deep.equal([
        [join(folder, 'a/deep/one.json'), 1],
        [join(folder, 'b.yml'), 3],
        [join(folder, 'b.yml'), 13],
      ])
      expect(set).to.deep.include({ refusals: [], skipped: [], incomplete: false })
      expect(names(await readManifests(join(folder, 'b.yml')))).to.deep.equal(names(set).slice(1))
    })
  })

  it('reads lists: mixed ones, typed ones without kinds, lists in lists, empty ones', async () => {
    const item = (name: string) => `{apiVersion: v1, kind: Namespace, metadata: {name: ${name}}}`
    const text = [
      `apiVersion: v1\nkind: List\nitems:\n- ${item('a')}\n- apiVersion: v1\n  kind: List\n  items: [${item('b')}]\n`,
      'apiVersion: v1\nkind: NamespaceList\nmetadata: {resourceVersion: "1"}\nitems:\n- metadata: {name: c}\n',
      'apiVersion: v1\nkind: List\nitems: null\n',
    ]
    await inFolder({ 'a.yaml': text.join('---\n') }, async folder => {
      const set = await readManifests(folder)
      expect(names(set)).to.deep.equal(['Namespace//a', 'Namespace//b', 'Namespace//c'])
      expect(set.objects.map(({ line }) => line)).to.deep.equal([4, 7, 13])
    })
  })

  it('reads YAML as Kubernetes does: anchors and merges, yes as a boolean, dates as text', async () => {
    const text = `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels: &l {x: "1", d: 2020-01-01, t: "12:30"}\n---\n`
    const merged =
      'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: b\n  annotations: &a {k: v}\n  labels: {<<: *a, z: y2}\n---\n'
    const yes = 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: c\n  labels:\n    on-call: yes\n'
    await inFolder({ 'a.yaml': text.replace('"12:30"', 'a12') + merged + yes }, async folder => {
      const set = await readManifests(folder)
      const labels = set.objects.map(({ bodies }) =>
        bodies[0]?.kind === 'namespace.upserted' ? bodies[0].namespace.labels : {},
      )
      expect(labels[0]).to.include({ x: '1', d: '2020-01-01' })
      expect(labels[1]).to.include({ k: 'v', z: 'y2' })
      expect(refusals(set)).to.deep.equal([['WEIR_INPUT_INVALID', 'c', ['19 metadata.labels.on-call']]])
    })
  })

  it('takes for a number only what has a digit before its exponent', async () => {
    const labels = '{a: e7, b: E007, c: x, d: "1e3"}'
    const text = `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: e1\n  labels: ${labels}\n---\n`
    const number = text.replace('name: e1', 'name: other').replace('e7', '1e7')
    await inFolder({ 'a.yaml': text + number }, async folder => {
      const set = await readManifests(folder)
      const [body] = set.objects[0]?.bodies ?? []
      const read = body?.kind === 'namespace.upserted' ? body.namespace : undefined
      expect(read).to.deep.include({ name: 'e1' })
      expect(read?.labels).to.include({ a: 'e7', b: 'E007', c: 'x', d: '1e3' })
      expect(refusals(set)).to.deep.equal([['WEIR_INPUT_INVALID', 'other', ['11 metadata.labels.a']]])
    })
  })

  it('tells file, line and field of every problem, and goes on with the rest of the file', async () => {
    const bad = policy(
      'bad',
      '\n  podSelector: {}\n  ingress:\n  - from:\n    - ipBlock:\n        cidr: 10.0.0.0/33\n    ports:\n    -\n      port: "80"\n  polcyTypes: []',
    )
    await inFolder({ 'a.yaml': `${policy('good')}---\n${bad}---\n${namespace('last')}` }, async folder => {
      const set = await readManifests(folder)
      expect(names(set)).to.deep.equal(['NetworkPolicy/default/good', 'Namespace//last'])
      const found = set.refusals[0]
      expect(found).to.deep.include({ code: 'WEIR_INPUT_INVALID', file: join(folder, 'a.yaml'), line: 7 })
      expect(found?.problems.map(({ line, path }) => [path, line])).to.deep.equal([
        ['spec.polcyTypes', 20],
        ['spec.ingress[0].from[0].ipBlock.cidr', 16],
        ['spec.ingress[0].ports[0].port', 19],
      ])
      expect(refusalError(found!).message).to.contain(
        `${join(folder, 'a.yaml')}:16:spec.ingress[0].from[0].ipBlock.cidr`,
      )
      expect(set.incomplete).to.equal(false)
    })
  })

  it('skips kinds it has no use for, with a reason, and refuses misspelt ones', async () => {
    const config = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n'
    await inFolder(
      { 'a.yaml': `${config}---\n${policy('p').replace('NetworkPolicy', 'NetworkPolicie')}` },
      async folder => {
        const set = await readManifests(folder)
        expect(set.skipped.map(({ line, reason }) => [line, reason])).to.deep.equal([
          [1, 'ConfigMap of v1 decides no verdict'],
        ])
        expect(set.refusals[0]?.problems[0]).to.include({ line: 6, path: 'kind', expected: 'NetworkPolicy' })
      },
    )
  })

  it('keeps the first of two definitions and refuses the later with the place of the first', async () => {
    await inFolder(
      { 'a.yaml': policy('p'), 'b.yaml': policy('p', '{}'), 'c.yaml': `---\n${policy('p')}` },
      async folder => {
        const set = await readManifests(folder)
        expect(set.objects.map(({ file }) => file)).to.deep.equal([join(folder, 'a.yaml')])
        expect(set.refusals).to.have.length(1)
        expect(refusals(set)).to.deep.equal([['WEIR_MANIFEST_DUPLICATE', 'p', ['1 metadata.name', '2 metadata.name']]])
        expect(set.refusals[0]?.problems[0]?.message).to.contain(`${join(folder, 'a.yaml')}:1`)
      },
    )
  })

  it('refuses a workload whose pod has the name of another pod', async () => {
    await inFolder({ 'a.yaml': pod('web-0'), 'b.yaml': deployment('web', 2) }, async folder => {
      const set = await readManifests(folder)
      expect(names(set)).to.deep.equal(['Pod/default/web-0'])
      expect(set.refusals[0]?.problems[0]?.message).to.contain('Pod default/web-0')
    })
  })

  it('places pods without a node on the given one', async () => {
    const elsewhere = pod('b').replace('spec:\n', 'spec:\n  nodeName: n2\n')
    await inFolder({ 'a.yaml': `${pod('a')}---\n${elsewhere}---\n${deployment('c', 1)}` }, async folder => {
      const set = await readManifests(folder, { node: 'n1' })
      const nodes = set.objects.flatMap(({ bodies }) =>
        bodies.map(body => body.kind === 'pod.upserted' && body.pod.node),
      )
      expect(nodes).to.deep.equal(['n1', 'n2', 'n1'])
    })
  })

  it('says what is wrong with a path that leads nowhere, or in circles', async () => {
    await inFolder({ 'sub/a.yaml': namespace('a') }, async folder => {
      const gone = await readManifests(join(folder, 'gone'))
      expect(gone).to.deep.include({ objects: [], incomplete: true })
      expect(refusals(gone)).to.deep.equal([['WEIR_MANIFEST_UNREADABLE', join(folder, 'gone'), ['1 ']]])
      await symlink(folder, join(folder, 'sub/loop'))
      const looped = await readManifests(folder)
      expect(names(looped)).to.deep.equal(['Namespace//a'])
      expect(looped.incomplete).to.equal(false)
      expect(looped.refusals[0]?.problems[0]?.message).to.contain('leads back to a folder above it')
      await symlink('self.yaml', join(folder, 'self.yaml'))
      await symlink('nothing.yaml', join(folder, 'dangling.yaml'))
      const set = await readManifests(folder)
      expect(set.incomplete).to.equal(true)
      expect(set.refusals.map(({ object, code }) => [object.name, code])).to.deep.include.members([
        [join(folder, 'self.yaml'), 'WEIR_MANIFEST_UNREADABLE'],
        [join(folder, 'dangling.yaml'), 'WEIR_MANIFEST_UNREADABLE'],
      ])
    })
  })
})
