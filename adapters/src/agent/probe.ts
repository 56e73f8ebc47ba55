import { request } from 'node:http'
import { connect } from 'node:net'
import type { HealthCheck } from '@weir/core'

/**
 * Tries an endpoint once.
 * @returns undefined when that succeeded, else why it didn't: `ECONNREFUSED`, `timeout`, `status 503`
 */
export type Probe = (
  check: HealthCheck,
  address: string,
  port: number,
  stopped: AbortSignal,
) => Promise<string | undefined>

/** By a real connection from the agent's network namespace. */
export const networkProbe: Probe = (check, address, port, stopped) =>
  check.kind === 'tcp' ? tryTcp(check, address, port, stopped) : tryHttp(check, address, port, stopped)

function tryTcp(
  { timeoutSeconds }: HealthCheck,
  host: string,
  port: number,
  stopped: AbortSignal,
): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = connect({
      host,
      port,
      signal: AbortSignal.any([stopped, AbortSignal.timeout(timeoutSeconds * 1000)]),
    })
    socket.on('connect', () => {
      resolve(undefined)
      socket.destroy()
    })
    socket.on('error', error => resolve(reasonOf(error)))
  })
}

function tryHttp(
  { timeoutSeconds, path = '/' }: HealthCheck,
  host: string,
  port: number,
  stopped: AbortSignal,
): Promise<string | undefined> {
  return new Promise(resolve => {
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(timeoutSeconds * 1000)])
    const headers = { 'User-Agent': 'weir-health-check', Connection: 'close' }
    const asking = request({ host, port, path, headers, agent: false, signal }, response => {
      const { statusCode = 0 } = response
      resolve(statusCode >= 200 && statusCode < 400 ? undefined : `status ${statusCode}`)
      response.destroy()
    })
    asking.on('error', error => resolve(reasonOf(error)))
    asking.end()
  })
}

function reasonOf(error: Error): string {
  const { code, name } = error as NodeJS.ErrnoException
  return name === 'AbortError' ? 'timeout' : (code ?? error.message)
}
