import http from 'node:http'
import https from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import { unusableCredentials } from './api.js'
import type { Connection } from './http-api.js'

export interface CredentialOptions {
  /** A kubeconfig; else $KUBECONFIG, ~/.kube/config, or what a pod of the cluster is given. */
  readonly kubeconfig?: string
  /** Of the kubeconfig; its current one when absent. */
  readonly context?: string
}

/** The context that the library makes up when it finds nothing. */
const nowhere = 'loaded-context'

/** How long what was read of a file counts: tokens rotate, and certificates are renewed. */
const freshMs = 60_000

/**
 * A connection by a kubeconfig or by what a pod is given. Files are read again after a while, and at once when the
 * server refuses what was in them.
 *
 * @throws WeirError WEIR_KUBERNETES_CONFIG
 */
export async function connect(options: CredentialOptions, nowMs: () => number): Promise<Connection> {
  const load = (): KubeConfig => loaded(new KubeConfig(), options)
  let config = load()
  const server = serverOf(config)
  let readAt = nowMs()
  let given: Promise<https.RequestOptions> | undefined
  let isPending = false
  let kept: { readonly text: string; readonly agent: http.Agent } | undefined
  const optionsOf = async (): Promise<https.RequestOptions> => {
    const said: https.RequestOptions = {}
    try {
      await config.applyToHTTPSOptions(said)
    } catch (error) {
      throw unusableCredentials(error)
    }
    // A proxy's agent is the library's own; else one is kept as long as TLS is the same.
    if (config.getCurrentCluster()?.proxyUrl !== undefined) return said
    const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized } = said
    const tls = { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized }
    const text = JSON.stringify(tls)
    if (kept?.text !== text) {
      kept?.agent.destroy()
      const settings = { keepAlive: true, ...Object.fromEntries(Object.entries(tls).filter(([, each]) => each)) }
      const withRefusal = rejectUnauthorized === undefined ? settings : { ...settings, rejectUnauthorized }
      kept = {
        text,
        agent: server.protocol === 'https:' ? new https.Agent(withRefusal) : new http.Agent({ keepAlive: true }),
      }
    }
    const { headers, auth } = said
    return {
      agent: kept.agent,
      ...(headers !== undefined && { headers }),
      ...(auth !== undefined && { auth }),
    } as https.RequestOptions
  }
  return {
    server,
    options: anew => {
      // One program at a time: what is asked already is waited for.
      if (isPending && given !== undefined) return given
      if (anew || nowMs() - readAt > freshMs) {
        // A program that makes credentials is asked again by the library, when they are about to expire.
        if (anew || !config.getCurrentUser()?.exec) config = load()
        readAt = nowMs()
        given = undefined
      }
      if (given !== undefined) return given
      isPending = true
      const made = optionsOf()
      given = made
      made.then(
        () => {
          isPending = false
        },
        () => {
          isPending = false
          given = undefined
        },
      )
      return made
    },
  }
}

function loaded(config: KubeConfig, { kubeconfig, context }: CredentialOptions): KubeConfig {
  try {
    if (kubeconfig === undefined) config.loadFromDefault()
    else config.loadFromFile(kubeconfig)
  } catch (error) {
    throw unusableCredentials(error)
  }
  if (config.getCurrentContext() === nowhere)
    throw unusableCredentials('there is neither a kubeconfig nor a service account of a pod')
  if (context !== undefined) {
    if (config.getContextObject(context) === null)
      throw unusableCredentials(
        `there is no context ${context}; there are ${config.contexts.map(({ name }) => name).join(', ')}`,
      )
    config.setCurrentContext(context)
  }
  return config
}

function serverOf(config: KubeConfig): URL {
  const { server } = config.getCurrentCluster() ?? {}
  if (server === undefined) throw unusableCredentials('its current context names no cluster')
  try {
    return new URL(server)
  } catch (error) {
    throw unusableCredentials(error)
  }
}
