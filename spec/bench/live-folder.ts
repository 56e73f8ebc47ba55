import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export const clientAddress = '10.79.0.1'
export const serverAddress = '10.79.0.2'
/** Where the measured datagrams go, and the first port of those that many policies open. */
export const measuredPort = 4000
export const firstPort = 20_000

const namespaces = 50
const appsPerNamespace = 20

/** How a file comes to say something else. */
export type Way = 'in place' | 'rename over' | 'new file' | 'delete'
export const ways: readonly Way[] = ['in place', 'rename over', 'new file', 'delete']

const policy = (
  namespace: string,
  name: string,
  app: string,
  ingress: string,
): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  podSelector:
    matchLabels:
      app: ${app}
  policyTypes: [Ingress]
  ingress:
${ingress}`

const fromApps = (apps: readonly string[], protocol: string, port: number): string => `    - from:
${apps.map(app => `        - podSelector:\n            matchLabels:\n              app: ${app}\n`).join('')}      ports:
        - protocol: ${protocol}
          port: ${port}
`

const pod = (namespace: string, name: string, app: string, address: string, node: string): string => `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  namespace: ${namespace}
  labels:
    app: ${app}
spec:
  nodeName: ${node}
  containers: [{ name: main, image: none }]
status:
  podIP: ${address}
  podIPs: [{ ip: ${address} }]
---
`

/** A folder of manifests as a cluster's policies in files: the measured pair, pods elsewhere, a policy in each file. */
export class LiveFolder {
  readonly path: string
  readonly #measured: string
  readonly #spare: string

  constructor(path: string, node: string, policies: number) {
    this.path = path
    this.#measured = join(path, 'policies', 'measured.yaml')
    this.#spare = join(path, 'policies', '.measured.yaml.new')
    mkdirSync(join(path, 'policies'), { recursive: true })
    const pods = [
      pod('measured', 'client', 'client', clientAddress, node),
      pod('measured', 'server', 'server', serverAddress, node),
    ]
    for (let n = 0; n < namespaces * appsPerNamespace; n += 1) {
      const app = Math.floor(n / namespaces)
      pods.push(
        pod(`team-${n % namespaces}`, `app-${app}-0`, `app-${app}`, `10.80.${n >> 8}.${n & 255}`, `node-${n % 50}`),
      )
    }
    writeFileSync(join(path, 'pods.yaml'), pods.join(''))
    this.say('passes')
    for (let n = 1; n < policies; n += 1) this.#addOther(n)
  }

  /** One of the policies that are there beside the measured one: who of its namespace may call an application. */
  #addOther(number: number): void {
    const turn = Math.floor(number / namespaces)
    const apps = [`app-${(turn + 1) % appsPerNamespace}`, `app-${(turn + 2) % appsPerNamespace}`]
    const ingress = fromApps(apps, 'TCP', 8000 + (turn % 10))
    const text = policy(`team-${number % namespaces}`, `policy-${turn}`, `app-${turn % appsPerNamespace}`, ingress)
    writeFileSync(join(this.path, 'policies', `policy-${String(number).padStart(5, '0')}.yaml`), text)
  }

  /** What the measured policy says of the measured datagrams. */
  #text(outcome: 'passes' | 'stopped'): string {
    return policy(
      'measured',
      'measured',
      'server',
      fromApps(['client'], 'UDP', measuredPort + (outcome === 'passes' ? 0 : 1)),
    )
  }

  /** Without a clock: to begin with. */
  say(outcome: 'passes' | 'stopped' | 'nothing'): void {
    if (outcome === 'nothing') rmSync(this.#measured, { force: true })
    else writeFileSync(this.#measured, this.#text(outcome))
  }

  /**
   * Makes the measured datagrams pass or stop, in the way given; a new file stops them, its deletion lets them pass.
   *
   * @returns CLOCK_MONOTONIC in nanoseconds just before the call that changes the file: open, rename or unlink. What goes
   *   to a spare file first is written before that.
   */
  change(way: Way, outcome: 'passes' | 'stopped'): bigint {
    if (way === 'delete') {
      const start = process.hrtime.bigint()
      rmSync(this.#measured)
      return start
    }
    const text = this.#text(outcome)
    if (way === 'rename over') {
      writeFileSync(this.#spare, text)
      const start = process.hrtime.bigint()
      renameSync(this.#spare, this.#measured)
      return start
    }
    const start = process.hrtime.bigint()
    const file = openSync(this.#measured, 'w')
    writeSync(file, text)
    closeSync(file)
    return start
  }

  /** `count` policies, a file each, in a folder that is moved in at once; each opens a port of the server. See `change`. */
  dropIn(count: number): bigint {
    const hidden = join(this.path, 'policies', '.dropped')
    mkdirSync(hidden)
    for (let n = 0; n < count; n += 1) {
      const text = policy('measured', `port-${n}`, 'server', fromApps(['client'], 'UDP', firstPort + n))
      writeFileSync(join(hidden, `port-${n}.yaml`), text)
    }
    const start = process.hrtime.bigint()
    renameSync(hidden, join(this.path, 'policies', 'dropped'))
    return start
  }

  takeOut(): void {
    rmSync(join(this.path, 'policies', 'dropped'), { recursive: true, force: true })
  }
}
