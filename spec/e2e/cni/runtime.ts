import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

type Json = Readonly<Record<string, unknown>>

/** A list of plugins, as a conflist has it. */
export interface NetworkList {
  readonly cniVersion: string
  readonly name: string
  readonly plugins: readonly Json[]
}

/** A container that is plugged in: its namespace, and the pod that it is. */
export interface Sandbox {
  readonly container: string
  readonly netnsPath: string
  readonly args?: string
  /** By capability: `portMappings`. */
  readonly capabilities?: Json
}

export class PluginFailure extends Error {
  constructor(
    readonly type: string,
    readonly answer: Json & { readonly code?: number; readonly msg?: string },
  ) {
    super(`${type}: ${answer.msg ?? JSON.stringify(answer)}`)
  }
}

/** Executes lists of plugins as the specification says, on a node that is a network namespace. */
export class CniRuntime {
  readonly list: NetworkList
  readonly #paths: readonly string[]
  readonly #netnsPath: string
  readonly #results = new Map<string, Json>()

  /** @param paths folders of plugins */
  constructor(list: NetworkList, paths: readonly string[], netnsPath: string) {
    this.list = list
    this.#paths = paths
    this.#netnsPath = netnsPath
  }

  resultOf(container: string): Json | undefined {
    return this.#results.get(container)
  }

  async add(sandbox: Sandbox): Promise<Json> {
    let prevResult: Json | undefined
    for (const plugin of this.list.plugins)
      prevResult =
        (await this.#run('ADD', plugin, sandbox, prevResult === undefined ? {} : { prevResult })) ?? prevResult
    const result = prevResult ?? {}
    this.#results.set(sandbox.container, result)
    return result
  }

  async del(sandbox: Sandbox): Promise<void> {
    const prevResult = this.#results.get(sandbox.container)
    const more = prevResult === undefined ? {} : { prevResult }
    for (const plugin of [...this.list.plugins].reverse()) await this.#run('DEL', plugin, sandbox, more)
    this.#results.delete(sandbox.container)
  }

  async check(sandbox: Sandbox): Promise<void> {
    const prevResult = this.#results.get(sandbox.container)
    for (const plugin of this.list.plugins) await this.#run('CHECK', plugin, sandbox, { prevResult })
  }

  async status(): Promise<void> {
    for (const plugin of this.list.plugins) await this.#run('STATUS', plugin, undefined, {})
  }

  async collect(valid: readonly string[]): Promise<void> {
    const attachments = valid.map(containerID => ({ containerID, ifname: 'eth0' }))
    for (const plugin of this.list.plugins)
      await this.#run('GC', plugin, undefined, { 'cni.dev/valid-attachments': attachments })
  }

  async #run(command: string, plugin: Json, sandbox: Sandbox | undefined, more: Json): Promise<Json | undefined> {
    const { capabilities: declared = {}, ...config } = plugin
    const given = Object.entries(sandbox?.capabilities ?? {}).filter(
      ([name]) => (declared as Readonly<Record<string, unknown>>)[name] === true,
    )
    const { cniVersion, name } = this.list
    const runtimeConfig = given.length === 0 ? {} : { runtimeConfig: Object.fromEntries(given) }
    const type = String(plugin.type)
    const environment = {
      CNI_COMMAND: command,
      ...(sandbox !== undefined && {
        CNI_CONTAINERID: sandbox.container,
        CNI_NETNS: sandbox.netnsPath,
        CNI_IFNAME: 'eth0',
        CNI_ARGS: sandbox.args ?? '',
      }),
    }
    const { code, output } = await this.execute(type, environment, {
      cniVersion,
      name,
      ...config,
      ...runtimeConfig,
      ...more,
    })
    const answer = output.trim() === '' ? undefined : (JSON.parse(output) as Json)
    if (code !== 0) throw new PluginFailure(type, answer ?? {})
    return answer
  }

  /** One plugin, with what it is to read: JSON, or a text as it is. */
  execute(
    type: string,
    environment: Readonly<Record<string, string>>,
    config: Json | string,
  ): Promise<{ readonly code: number | null; readonly output: string }> {
    const program = this.#paths.map(folder => join(folder, type)).find(path => existsSync(path))
    if (program === undefined) throw new Error(`no plugin ${type} in ${this.#paths.join(':')}`)
    const child = spawn('nsenter', [`--net=${this.#netnsPath}`, program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH ?? '', CNI_PATH: this.#paths.join(':'), ...environment },
    })
    let output = ''
    child.stdout.on('data', chunk => {
      output += String(chunk)
    })
    child.stdin.on('error', () => {})
    child.stdin.end(typeof config === 'string' ? config : JSON.stringify(config))
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', code => resolve({ code, output }))
    })
  }
}

/** CNI_ARGS as Kubernetes' runtimes give them. */
export const podArgs = (namespace: string, name: string): string =>
  `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_INFRA_CONTAINER_ID=x`
