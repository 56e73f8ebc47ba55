import http, { type IncomingMessage, type RequestOptions } from 'node:http'
import https from 'node:https'
import { isMap } from '@weir/core/input/reader.js'
import { type Api, refusedAnswer, unreachable, unusableCredentials, type Write } from './api.js'

/** A server, and what a request to it needs to be answered. */
export interface Connection {
  readonly server: URL
  /**
   * TLS, agent and authorization of the next request.
   *
   * @param anew True when the server refused what was used last: it is to be found out anew
   * @throws WeirError WEIR_KUBERNETES_CONFIG
   */
  options(anew: boolean): Promise<https.RequestOptions>
}

export interface HttpApiOptions {
  /** How long the server may say nothing before it is given up; of what goes on only until it begins. */
  readonly silenceMs?: number
  /** Told of each request: its method, its path without a query, and whether it goes on. */
  readonly onRequest?: (method: string, path: string, isWatch: boolean) => void
}

const defaultSilenceMs = 30_000

/** More than 500 pods of a usual size have, and less than would be felt. */
const answerMostBytes = 64 * 2 ** 20
const lineMostLength = 16 * 2 ** 20
const refusalMostBytes = 64 * 2 ** 10

interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** Talks to an API server by HTTP/1.1. A connection is kept for the next request; each watch has one of its own. */
export class HttpApi implements Api {
  readonly #connection: Connection
  readonly #silenceMs: number
  readonly #onRequest: NonNullable<HttpApiOptions['onRequest']>

  constructor(connection: Connection, options: HttpApiOptions = {}) {
    this.#connection = connection
    this.#silenceMs = options.silenceMs ?? defaultSilenceMs
    this.#onRequest = options.onRequest ?? (() => {})
  }

  async get(path: string, signal: AbortSignal, accept = 'application/json'): Promise<unknown> {
    return this.#json({ method: 'GET', path, headers: { accept } }, signal)
  }

  async send({ method, path, contentType, body }: Write, signal: AbortSignal): Promise<unknown> {
    const headers = { accept: 'application/json', 'content-type': contentType }
    return this.#json({ method, path, headers, body: JSON.stringify(body) }, signal)
  }

  async *lines(path: string, signal: AbortSignal, accept = 'application/json'): AsyncGenerator<readonly string[]> {
    const answer = await this.#ask({ method: 'GET', path, headers: { accept } }, signal, true)
    try {
      yield []
      let rest = ''
      for await (const chunk of textOf(answer)) {
        const parts = (rest + chunk).split('\n')
        rest = parts.pop() ?? ''
        if (rest.length > lineMostLength) throw refusedAnswer(path, 413, 'a line of the watch is too long')
        const lines = parts.filter(line => line !== '')
        if (lines.length > 0) yield lines
      }
    } catch (error) {
      throw this.#failure(error)
    } finally {
      answer.destroy()
    }
  }

  async #json(asked: Asked, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#ask(asked, signal, false)
    try {
      return JSON.parse(await wholeText(answer, answerMostBytes, asked.path))
    } catch (error) {
      if (error instanceof SyntaxError) throw refusedAnswer(asked.path, 502, 'what it answers is not JSON')
      throw this.#failure(error)
    } finally {
      answer.destroy()
    }
  }

  /** The answer, once it is known to be a success. */
  async #ask(asked: Asked, signal: AbortSignal, goesOn: boolean): Promise<IncomingMessage> {
    const path = asked.path.split('?', 1)[0] ?? ''
    this.#onRequest(asked.method, path, goesOn)
    let answer = await this.#request(asked, false, signal, goesOn)
    if (answer.statusCode === 401) {
      answer.resume()
      answer = await this.#request(asked, true, signal, goesOn)
    }
    const status = answer.statusCode ?? 0
    if (status >= 200 && status < 300) return answer
    const text = await wholeText(answer, refusalMostBytes, path).catch(() => '')
    throw refusedAnswer(path, status, reasonOf(text, answer.statusMessage), retryAfterMs(answer))
  }

  async #request(asked: Asked, anew: boolean, signal: AbortSignal, goesOn: boolean): Promise<IncomingMessage> {
    const { server } = this.#connection
    const given = await this.#credentials(anew, signal)
    const options: RequestOptions = {
      ...given,
      method: asked.method,
      headers: { ...given.headers, ...asked.headers, 'user-agent': 'weir' },
      signal,
    }
    const url = new URL(server.pathname.replace(/\/$/, '') + asked.path, server)
    const send = server.protocol === 'https:' ? https.request : http.request
    return new Promise((resolve, reject) => {
      const request = send(url, options, answer => {
        if (goesOn) request.setTimeout(0)
        resolve(answer)
      })
      request.setTimeout(this.#silenceMs, () => {
        request.destroy(new Error(`it says nothing for ${this.#silenceMs / 1000} s`))
      })
      request.on('error', error => reject(this.#failure(error)))
      request.end(asked.body)
    })
  }

  /** A program that makes credentials may take for ever; the next request asks whether it has come to an end. */
  async #credentials(anew: boolean, signal: AbortSignal): Promise<https.RequestOptions> {
    let stop = (): void => {}
    const given = this.#connection.options(anew)
    const patience = new Promise<never>((_, reject) => {
      const reason = `what makes them says nothing for ${this.#silenceMs / 1000} s`
      const timer = setTimeout(() => reject(unusableCredentials(reason)), this.#silenceMs)
      const onAbort = (): void => reject(signal.reason as Error)
      signal.addEventListener('abort', onAbort, { once: true })
      stop = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
      }
    })
    try {
      signal.throwIfAborted()
      return await Promise.race([given, patience])
    } catch (error) {
      throw this.#failure(error)
    } finally {
      stop()
    }
  }

  /** A failure of the connection in one form; any other stays as it is. */
  #failure(error: unknown): unknown {
    if (!(error instanceof Error) || error.name === 'WeirError') return error
    return unreachable(this.#connection.server.origin, error.message || String(Reflect.get(error, 'code')), error)
  }
}

/** Chunks of text; characters that are cut in two by the network come whole. */
async function* textOf(answer: IncomingMessage): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  for await (const chunk of answer as AsyncIterable<Buffer>) yield decoder.decode(chunk, { stream: true })
}

async function wholeText(answer: IncomingMessage, mostBytes: number, path: string): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostBytes) throw refusedAnswer(path, 413, `the answer has more than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size).toString('utf8')
}

/** What a Status says, or the status line. */
function reasonOf(text: string, otherwise = 'no reason given'): string {
  try {
    const status: unknown = JSON.parse(text)
    if (isMap(status) && typeof status.message === 'string' && status.message !== '') return status.message
  } catch {
    // A proxy's page is of no use in one line.
  }
  return otherwise
}

/** Of whole seconds; dates are not used by API servers. */
function retryAfterMs({ headers }: IncomingMessage): number {
  const seconds = Number(headers['retry-after'] ?? 0)
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 300) * 1000 : 0
}
