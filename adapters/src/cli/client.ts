import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { WeirError, type WeirErrorCode, type WeirErrorPayloads } from '@weir/core'
import type { ErrorBody } from '../agent/protocol.js'
import { isSystemError } from './exit.js'

/** Asks the agent at a unix socket. */
export interface AgentClient {
  /** @throws WeirError WEIR_AGENT_UNREACHABLE, or what the agent answers. */
  get<Answer>(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<Answer>
  /** As `get`, with something to say. */
  post<Answer>(path: string, body: object): Promise<Answer>
  /** Objects of a stream, until it ends or `signal` aborts; then it ends without an error. */
  stream<Item>(path: string, query: readonly (readonly [string, string])[], signal: AbortSignal): AsyncGenerator<Item>
}

/** @param socketPath Path of the agent's unix socket. */
export function agentClient(socketPath: string): AgentClient {
  return {
    get: async <Answer>(path: string, query: Readonly<Record<string, string | undefined>> = {}) => {
      const response = await open(socketPath, withQuery(path, query))
      const text = await textOf(response, socketPath)
      if (response.statusCode !== 200) throw errorOf(text, response)
      return JSON.parse(text) as Answer
    },
    post: async <Answer>(path: string, body: object) => {
      const response = await open(socketPath, path, { method: 'POST', body: JSON.stringify(body) })
      const text = await textOf(response, socketPath)
      if (response.statusCode !== 200) throw errorOf(text, response)
      return JSON.parse(text) as Answer
    },
    stream: async function* <Item>(path: string, query: readonly (readonly [string, string])[], signal: AbortSignal) {
      const response = await open(
        socketPath,
        query.length === 0
          ? path
          : `${path}?${new URLSearchParams(query.map(([name, word]): [string, string] => [name, word]))}`,
        { signal },
      ).catch((error: unknown) => {
        if (signal.aborted) return undefined
        throw error
      })
      // Whoever is interrupted before anything came has seen all there is.
      if (response === undefined) return
      if (response.statusCode !== 200) throw errorOf(await textOf(response, socketPath), response)
      response.setEncoding('utf8')
      const close = (): void => void response.destroy()
      signal.addEventListener('abort', close, { once: true })
      try {
        for await (const line of linesOf(response)) yield JSON.parse(line) as Item
      } catch (error) {
        if (!signal.aborted) throw endedAt(socketPath, error)
      } finally {
        signal.removeEventListener('abort', close)
        response.destroy()
      }
    },
  }
}

interface Asking {
  readonly method?: 'GET' | 'POST'
  readonly body?: string
  readonly signal?: AbortSignal
}

function open(
  socketPath: string,
  path: string,
  { method = 'GET', body, signal }: Asking = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path, method, ...(signal && { signal }) }, resolve)
    asking.on('error', error => {
      const { code } = error as NodeJS.ErrnoException
      const gone = code === 'ENOENT' || code === 'ECONNREFUSED'
      const what = gone
        ? 'no agent listens'
        : code === 'EACCES'
          ? 'not allowed to ask the agent (root only)'
          : error.message
      reject(
        new WeirError('WEIR_AGENT_UNREACHABLE', `${what} at ${socketPath}`, { socket: socketPath }, { cause: error }),
      )
    })
    asking.end(body)
  })
}

/** What an answer that breaks off means; a defect stays one. */
function endedAt(socket: string, error: unknown): unknown {
  if (!isSystemError(error)) return error
  return new WeirError('WEIR_AGENT_UNREACHABLE', `the agent ended at ${socket}`, { socket }, { cause: error })
}

async function textOf(response: IncomingMessage, socketPath: string): Promise<string> {
  const parts: Buffer[] = []
  try {
    for await (const part of response) parts.push(part as Buffer)
  } catch (error) {
    throw endedAt(socketPath, error)
  }
  return Buffer.concat(parts).toString('utf8')
}

function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = ''
  for await (const part of response as AsyncIterable<string>) {
    const lines = (rest + part).split('\n')
    rest = lines.pop() ?? ''
    yield* lines.filter(line => line !== '')
  }
}

/** The agent's error, as if it had happened here. */
function errorOf(text: string, response: IncomingMessage): Error {
  try {
    const body = JSON.parse(text) as ErrorBody
    const code = body.code as WeirErrorCode
    return new WeirError(code, body.message, body.payload as WeirErrorPayloads[typeof code])
  } catch {
    return new Error(`the agent answered with status ${response.statusCode} and ${text.length} bytes that are not JSON`)
  }
}
