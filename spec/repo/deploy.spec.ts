import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { parse, parseAllDocuments } from 'yaml'
import { rendered } from './chart.js'
import { root } from './tree.js'

const chart = path.join(root, 'deploy/helm/weir')
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8')

/** Options that a command has, by its help. */
function optionsOf(...words: string[]): readonly string[] {
  const help = execFileSync(process.execPath, ['adapters/bin/weir.mjs', ...words, '--help'], {
    ...{ cwd: root, encoding: 'utf8' },
  })
  return help.match(/--[a-z][a-z-]*/g) ?? []
}

const optionsIn = (words: readonly string[]): readonly string[] => words.join(' ').match(/--[a-z][a-z-]*/g) ?? []

interface Container {
  readonly name: string
  readonly image: string
  readonly args: readonly string[]
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
  readonly securityContext: { readonly capabilities: { readonly add: readonly string[] } }
}
interface DaemonSet {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly hostNetwork: boolean
        readonly containers: readonly Container[]
        readonly initContainers: readonly Container[]
        readonly volumes: readonly { readonly name: string }[]
        readonly tolerations: readonly object[]
      }
    }
  }
}

describe('deployment', function () {
  this.timeout(60_000)

  const values = parse(read('deploy/helm/weir/values.yaml')) as Readonly<Record<string, unknown>>
  const daemonSet = (more: object = {}): DaemonSet =>
    parse(rendered(path.join(chart, 'templates/daemonset.yaml'), { ...values, ...more })) as DaemonSet

  it('chart: the agent gets options that it has, and those that its user adds', () => {
    const { containers, initContainers, tolerations } = daemonSet().spec.template.spec
    const [agent] = containers
    const [check] = initContainers
    expect(agent!.args[0]).to.equal('agent')
    expect(optionsOf('agent')).to.include.members([...optionsIn(agent!.args)])
    expect(check!.args.slice(0, 2)).to.deep.equal(['node', 'check'])
    expect(optionsOf('node', 'check')).to.include.members([...optionsIn(check!.args)])
    expect(tolerations).to.deep.equal([{ operator: 'Exists' }])
    const added = daemonSet({ arguments: ['--no-device', '--lb-mode=dsr'] }).spec.template.spec.containers[0]!
    expect(added.args).to.deep.equal([...agent!.args, '--no-device', '--lb-mode=dsr'])
  })

  it('chart: every mount has its volume, and the pins outlive the pod', () => {
    const { containers, initContainers, volumes } = daemonSet().spec.template.spec
    const names = volumes.map(({ name }) => name)
    for (const { volumeMounts, securityContext } of [...containers, ...initContainers]) {
      expect(volumeMounts.map(({ name }) => name)).to.have.members(names)
      expect(volumeMounts).to.deep.include({
        ...{ name: 'bpffs', mountPath: '/sys/fs/bpf', mountPropagation: 'HostToContainer' },
      })
      expect(securityContext.capabilities.add).to.include.members(['BPF', 'NET_ADMIN', 'PERFMON', 'SYS_ADMIN'])
    }
  })

  it('chart: its role is that of the plain manifests, which the requests of the agent are held to', () => {
    const objects = (text: string): unknown[] => parseAllDocuments(text).map(each => each.toJS() as unknown)
    const charted = (writeBack: boolean): unknown[] =>
      objects(rendered(path.join(chart, 'templates/rbac.yaml'), { ...values, writeBack }))
    const plain = objects(read('deploy/rbac.yaml'))
    expect(charted(true)).to.deep.equal(plain)
    expect(charted(false)).to.deep.equal(plain.slice(0, 3))
    const [agent] = daemonSet({ writeBack: true }).spec.template.spec.containers
    expect(agent!.args).to.include('--kubernetes-write')
    expect(optionsOf('agent')).to.include('--kubernetes-write')
  })

  it('chart: its version is that of the command line', () => {
    const { version } = parse(read('adapters/package.json')) as { version: string }
    expect(parse(read('deploy/helm/weir/Chart.yaml'))).to.include({ version, appVersion: version })
    expect(values.image).to.include({ tag: version })
  })

  it('unit: the agent has its options', () => {
    const words = /^ExecStart=\S+ \S+ agent (.*)$/m.exec(read('deploy/systemd/weir.service'))?.[1]
    expect(words).to.equal('$WEIR_OPTIONS')
    const options = /^WEIR_OPTIONS=(.*)$/m.exec(read('deploy/systemd/weir.default'))?.[1] ?? ''
    expect(optionsIn([options])).to.have.lengthOf.at.least(1)
    expect(optionsOf('agent')).to.include.members([...optionsIn([options])])
  })

  const noSystemd = spawnSync('systemd-analyze', ['--version']).error === undefined ? '' : ': needs systemd-analyze'
  it(`unit: systemd takes it${noSystemd}`, function () {
    if (noSystemd !== '') return this.skip()
    const verified = spawnSync('systemd-analyze', ['verify', '--man=no', 'deploy/systemd/weir.service'], {
      ...{ cwd: root, encoding: 'utf8' },
    })
    // Where it is packed to is no business of this machine.
    const complaints = verified.stderr.split('\n').filter(line => line !== '' && !/is not executable/.test(line))
    expect(complaints).to.deep.equal([])
  })

  it('pack: a folder that runs by itself', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'weir-pack-'))
    try {
      const { pack } = (await import(pathToFileURL(path.join(root, 'setup/pack.mjs')).href)) as {
        pack(target: string): number
      }
      expect(pack(folder)).to.be.below(32 * 2 ** 20)
      const run = async (...words: string[]): Promise<string> => {
        const weir = path.join(folder, 'adapters/bin/weir.mjs')
        return (await promisify(execFile)(process.execPath, [weir, ...words], { cwd: '/' })).stdout
      }
      expect(await run('--version')).to.match(/^\d+\.\d+\.\d+\n$/)
      const { checks } = JSON.parse(await run('node', 'check', '--output', 'json')) as {
        checks: readonly { name: string; found: string }[]
      }
      expect(checks.find(({ name }) => name === 'programs')?.found).to.match(/takes all of them|eBPF needs/)
      const shop = ['--state-from', path.join(root, 'examples/shop')]
      expect(await run('why', 'shop/web', 'shop/cart:8080', ...shop)).to.include('denied')
      expect(() => pack(folder)).to.throw(/isn't empty/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
