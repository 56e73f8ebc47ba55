import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { parse, parseAllDocuments } from 'yaml'
import { rendered } from '../../repo/chart.js'
import { RealServer, realServerObstacle } from './real-server.js'

interface Rendered {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

const goPath = '/usr/share/gocode'
const needed = ['github.com/Masterminds/sprig', 'sigs.k8s.io/yaml'].filter(name => !existsSync(`${goPath}/src/${name}`))
const obstacle =
  needed.length === 0 ? realServerObstacle() : `${needed.join(' and ')} aren’t there: npm run test:kubernetes gets them`

const file = (name: string): string => fileURLToPath(new URL(`../../../../${name}`, import.meta.url))
const chart = file('deploy/helm/weir')
const values = parse(readFileSync(`${chart}/values.yaml`, 'utf8')) as Readonly<Record<string, unknown>>

/** The chart's objects, by Go's own templates. */
function byGo(more: object): readonly Rendered[] {
  const text = execFileSync('go', ['run', file('spec/adapters/kubernetes/chart/render.go'), chart], {
    input: JSON.stringify({ Values: { ...values, ...more }, Release: { Namespace: 'kube-system' } }),
    encoding: 'utf8',
    env: { ...process.env, GO111MODULE: 'off', GOPATH: goPath, GOFLAGS: '' },
  })
  return objectsIn(text)
}

const objectsIn = (text: string): readonly Rendered[] =>
  parseAllDocuments(text).flatMap(document => (document.toJS() as Rendered | null) ?? [])

/** Where `got` lacks something of what was asked for: what a server doesn't know it drops without a word. */
function missing(asked: unknown, got: unknown, at: string): readonly string[] {
  if (typeof asked !== 'object' || asked === null) return asked === got ? [] : [at]
  if (typeof got !== 'object' || got === null) return [at]
  const found = got as Readonly<Record<string, unknown>>
  return Object.entries(asked).flatMap(([name, value]) => missing(value, found[name], `${at}.${name}`))
}

const paths: Readonly<Record<string, string>> = {
  DaemonSet: '/apis/apps/v1/namespaces/kube-system/daemonsets',
  ServiceAccount: '/api/v1/namespaces/kube-system/serviceaccounts',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
}

describe(`the chart, rendered as Helm does${obstacle === undefined ? '' : ` (${obstacle})`}`, function () {
  this.timeout(240_000)
  const server = new RealServer()

  before(async function () {
    if (obstacle !== undefined) return this.skip()
    await server.start()
  })

  after(async () => {
    await server.stop()
  })

  const variants: Readonly<Record<string, object>> = {
    'as it is': {},
    'without the plugin': { cni: false },
    'with written conditions': { writeBack: true },
    'with more options and fewer nodes': {
      arguments: ['--no-device', '--lb-mode=dsr'],
      nodeSelector: { 'kubernetes.io/os': 'linux', tier: 'edge' },
      tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
      resources: { requests: { cpu: '100m', memory: '300Mi' }, limits: { memory: '1Gi' } },
    },
  }

  for (const [name, more] of Object.entries(variants))
    it(`${name}: is what an API server takes`, async () => {
      const objects = byGo(more)
      expect(objects.map(({ kind }) => kind)).to.include.members(Object.keys(paths))
      for (const object of objects) {
        const path = paths[object.kind]
        expect(path, object.kind).to.be.a('string')
        const { status, body } = await server.ask('POST', `${path}?dryRun=All`, object)
        expect([object.kind, status], JSON.stringify(body)).to.deep.equal([object.kind, 201])
        expect(missing(object, body, object.kind)).to.deep.equal([])
      }
      const ours = ['daemonset', 'rbac'].flatMap(each =>
        objectsIn(rendered(`${chart}/templates/${each}.yaml`, { ...values, ...more })),
      )
      expect(objects).to.deep.equal(ours)
    })
})
