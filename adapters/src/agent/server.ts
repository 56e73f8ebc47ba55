import { chmod, lstat, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import { WeirError } from '@weir/core'
import type { Access } from './access.js'
import { makeFolder } from './folder.js'
import type { ErrorBody } from './protocol.js'
import { isAnswering } from './socket.js'

/** What a question is answered with: a value, a text, or lines as they come until the asker goes away. */
export type Answer =
  | { readonly kind: 'value'; readonly value: unknown }
  /** As it is, under a status of its own. */
  | { readonly kind: 'text'; readonly status: number; readonly text: string }
  | { readonly kind: 'lines'; readonly lines: Lines }

/** Calls `line` for each object from now on. Returns how to stop it. */
export type Lines = (line: (value: object) => void, end: () => void) => () => void

export interface Question {
  readonly method: string
  /** Path below `/v1/`, in parts. */
  readonly path: readonly string[]
  readonly query: URLSearchParams
  /** Parsed JSON body; undefined when there is none. */
  readonly body: unknown
}

export interface AgentServer {
  readonly socketPath: string
  close(): Promise<void>
}

/** Most that a body may have: an endpoint has a few hundred bytes. */
const bodyLimitBytes = 1024 * 1024
/** Lines that wait for a slow reader; further ones are dropped for that reader, and counted to it. */
const waitingLimitBytes = 4 * 1024 * 1024

/**
 * Serves questions at a unix socket, to whom the access lets.
 *
 * @throws WeirError WEIR_REQUEST_INVALID when another process answers at that path already; a system error when the
 *   path can't be used.
 */
export async function serve(
  socketPath: string,
  access: Access,
  answer: (question: Question) => Promise<Answer>,
): Promise<AgentServer> {
  await makeFolder(dirname(socketPath), 0o755)
  if (await isAnswering(socketPath))
    throw new WeirError('WEIR_REQUEST_INVALID', `another agent answers at ${socketPath}`, {
      problems: [
        { path: 'socket', message: 'another agent answers there', value: socketPath, expected: 'a free path' },
      ],
    })
  await removeStaleSocket(socketPath)
  const server = createServer((request, response) => void handle(request, response, access, answer))
  const before = process.umask(0o177)
  try {
    await listen(server, socketPath)
  } finally {
    process.umask(before)
  }
  await chmod(socketPath, access.mode)
  return {
    socketPath,
    close: async () => {
      await new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      await rm(socketPath, { force: true })
    },
  }
}

/** What a process that was killed left is taken away; a file of another kind is somebody's. */
async function removeStaleSocket(socketPath: string): Promise<void> {
  const found = await lstat(socketPath).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket())
    throw new WeirError('WEIR_REQUEST_INVALID', `${socketPath} is no socket`, {
      problems: [{ path: 'socket', message: 'something else is there', value: socketPath, expected: 'a free path' }],
    })
  await rm(socketPath, { force: true })
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
  answer: (question: Question) => Promise<Answer>,
): Promise<void> {
  try {
    const { url, parts } = targetOf(request.url ?? '/')
    const [version, ...path] = parts
    if (version !== 'v1') throw notFound(url.pathname)
    const question = { method: request.method ?? 'GET', path, query: url.searchParams, body: undefined }
    access.check(request.socket, question)
    const body = request.method === 'POST' ? parseBody(await bodyOf(request)) : undefined
    const given = await answer({ ...question, body })
    if (given.kind === 'value') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(given.value)}\n`)
    } else if (given.kind === 'text') {
      const length = Buffer.byteLength(given.text)
      response.writeHead(given.status, { 'content-type': 'application/json', 'content-length': length }).end(given.text)
    } else stream(response, given.lines)
  } catch (error) {
    if (response.headersSent) return void response.destroy()
    // What is left of a body that is refused isn't waited for.
    if (!request.complete) response.setHeader('connection', 'close')
    response
      .writeHead(statusOf(error), { 'content-type': 'application/json' })
      .end(`${JSON.stringify(bodyOfError(error))}\n`, () => {
        if (!request.complete) request.socket.destroySoon()
      })
  }
}

function targetOf(target: string): { readonly url: URL; readonly parts: readonly string[] } {
  try {
    const url = new URL(target, 'http://agent')
    const parts = url.pathname.split('/').filter(part => part !== '')
    return { url, parts: parts.map(decodeURIComponent) }
  } catch {
    const problem = {
      path: 'url',
      message: 'not usable',
      value: JSON.stringify(target),
      expected: 'such as /v1/status',
    }
    throw new WeirError('WEIR_REQUEST_INVALID', "the address of the question can't be understood", {
      problems: [problem],
    })
  }
}

function stream(response: ServerResponse, lines: Lines): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.flushHeaders()
  let skipped = 0
  const stop = lines(
    value => {
      if (response.writableLength > waitingLimitBytes) {
        skipped++
        return
      }
      if (skipped > 0) response.write(`${JSON.stringify({ lost: skipped })}\n`)
      skipped = 0
      response.write(`${JSON.stringify(value)}\n`)
    },
    () => response.end(),
  )
  response.on('close', stop)
}

/** @throws WeirError WEIR_NOT_FOUND */
export function notFound(path: string): WeirError<'WEIR_NOT_FOUND'> {
  return new WeirError('WEIR_NOT_FOUND', `the agent has no ${path}`, { kind: 'path', name: path, near: ['/v1/status'] })
}

function statusOf(error: unknown): number {
  if (!(error instanceof WeirError)) return 500
  if (error.code === 'WEIR_NOT_FOUND') return 404
  if (error.code === 'WEIR_FORBIDDEN') return 403
  if (error.code === 'WEIR_REQUEST_INVALID' || error.code === 'WEIR_INPUT_INVALID') return 400
  return error.code === 'WEIR_INTAKE_STOPPED' ? 503 : 500
}

function bodyOfError(error: unknown): ErrorBody {
  if (error instanceof WeirError) return { code: error.code, message: error.message, payload: error.payload }
  return { code: 'WEIR_DEFECT', message: error instanceof Error ? error.message : String(error), payload: {} }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  // Leaving the loop must not take the connection with it: the answer is yet to be written.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += part.length
    if (size > bodyLimitBytes) throw invalidBody('the body is too long', `at most ${bodyLimitBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalidBody('the body is not JSON', 'one JSON object')
  }
}

function invalidBody(message: string, expected: string): WeirError<'WEIR_REQUEST_INVALID'> {
  return new WeirError('WEIR_REQUEST_INVALID', message, { problems: [{ path: '', message, expected }] })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
