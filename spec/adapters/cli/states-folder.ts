import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { firstValueFrom } from 'rxjs'

export const pods = `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { team: shop } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web }] }
---
apiVersion: v1
kind: Pod
metadata: { name: db, namespace: shop, labels: { app: db } }
spec: { containers: [{ name: db, image: db, ports: [{ containerPort: 5432 }] }] }
`

export const policy = (name: string, app: string, from: string) => `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name}, namespace: shop }
spec:
  podSelector: { matchLabels: { app: ${app} } }
  policyTypes: [Ingress]
  ingress:
    - from: [{ podSelector: { matchLabels: { app: ${from} } } }]
      ports: [{ port: 5432 }]
`

/** A folder with states of every form: manifests, a log, and an agent that follows one of the folders. */
export class StatesFolder {
  readonly folder = mkdtempSync(join(tmpdir(), 'weir-states-'))
  readonly socket = this.at('agent.sock')
  readonly log = this.at('state')
  /** The last event before the agent's first policy. */
  beforePolicy = 0
  #agent: Agent | undefined

  at(name: string): string {
    return join(this.folder, name)
  }

  get agent(): Agent {
    if (this.#agent === undefined) throw new Error('the agent is not started')
    return this.#agent
  }

  async start(): Promise<void> {
    for (const name of ['open', 'closed', 'followed']) {
      mkdirSync(this.at(name))
      writeFileSync(this.at(join(name, 'pods.yaml')), pods)
    }
    writeFileSync(this.at('closed/policy.yaml'), policy('db', 'db', 'web'))
    writeFileSync(this.at('proposal.yaml'), policy('web', 'web', 'db'))
    writeFileSync(this.at('broken.yaml'), policy('web', 'web', 'db').replace('5432', '99999'))
    this.#agent = await createAgent({
      stateFolder: this.log,
      socketPath: this.socket,
      node: 'n1',
      backend: 'memory',
      clock: systemClock,
      manifests: this.at('followed'),
      podCidrs: ['10.1.0.0/24'],
    })
    await this.agent.ready
    this.beforePolicy = this.agent.engine.seq
    await this.follow(policy('db', 'db', 'nobody'))
  }

  /** Puts a policy where the agent finds it, and waits until it is in force. */
  async follow(text: string): Promise<void> {
    const inForce = firstValueFrom(this.agent.applied)
    writeFileSync(this.at('followed/policy.yaml'), text)
    await inForce
  }

  async end(): Promise<void> {
    await this.#agent?.stop()
    rmSync(this.folder, { recursive: true })
  }
}
