/** An answer of the health server. */
export interface HealthReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const headers = { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' }

/** What kube-proxy answers at a `healthCheckNodePort`: 200 where the node has an endpoint and can be relied on, else 503. */
export function serviceHealth({
  service,
  localEndpoints,
  isHealthy,
}: {
  /** `namespace/name` */
  readonly service: string
  readonly localEndpoints: number
  readonly isHealthy: boolean
}): HealthReply {
  const slash = service.indexOf('/')
  const [namespace, name] = [service.slice(0, slash), service.slice(slash + 1)]
  const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy: isHealthy }
  return {
    status: localEndpoints > 0 && isHealthy ? 200 : 503,
    headers: { ...headers, 'X-Load-Balancing-Endpoint-Weight': String(localEndpoints) },
    body: JSON.stringify(body, undefined, '\t'),
  }
}

/** What kube-proxy answers at `/healthz`, of the node itself. */
export function nodeHealth({
  path,
  isHealthy,
  updatedAtMs,
  nowMs,
}: {
  readonly path: string
  readonly isHealthy: boolean
  readonly updatedAtMs: number
  readonly nowMs: number
}): HealthReply {
  if (!/^\/(?:healthz|livez)?(?:\?.*)?$/.test(path)) return { status: 404, headers, body: '{}' }
  const [lastUpdated, currentTime] = [updatedAtMs, nowMs].map(ms => new Date(ms).toISOString())
  return { status: isHealthy ? 200 : 503, headers, body: JSON.stringify({ lastUpdated, currentTime }) }
}
