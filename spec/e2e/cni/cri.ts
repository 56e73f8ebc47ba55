import { connect, type ClientHttp2Session } from 'node:http2'
import { connect as connectSocket } from 'node:net'

/** A message of protocol buffers by the numbers of its fields: texts, numbers, messages, and lists of texts. */
export interface Message {
  readonly [field: number]: string | number | Message | readonly string[]
}

/** What came of a call: the first value of each field, a number as such and all else as bytes. */
export type Fields = ReadonlyMap<number, Buffer | number>

/** A container runtime's service for the kubelet, as far as a test of networks needs it (k8s.io/cri-api, v1). */
export class CriClient {
  readonly #session: ClientHttp2Session

  constructor(socketPath: string) {
    this.#session = connect('http://localhost', { createConnection: () => connectSocket(socketPath) })
    // Told by the call that fails.
    this.#session.on('error', () => {})
  }

  /** `RunPodSandbox` of the service of pods and containers, unless another one is named. */
  call(method: string, message: Message, service = 'RuntimeService'): Promise<Fields> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({
        ':method': 'POST',
        ':path': `/runtime.v1.${service}/${method}`,
        'content-type': 'application/grpc',
        te: 'trailers',
      })
      const chunks: Buffer[] = []
      let failed: string | undefined
      const look = (headers: Readonly<Record<string, unknown>>): void => {
        const { 'grpc-status': status = '0', 'grpc-message': why = '' } = headers
        if (status !== '0') failed = `${method}: ${decodeURIComponent(String(why))}`
      }
      stream.on('response', look).on('trailers', look)
      stream.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
      stream.on('end', () => {
        if (failed !== undefined) reject(new Error(failed))
        else resolve(decode(Buffer.concat(chunks).subarray(prefixBytes)))
      })
      stream.end(framed(encode(message)))
    })
  }

  close(): void {
    this.#session.destroy()
  }
}

/** One that says whether what follows is compressed, and four of its length. */
const prefixBytes = 5

function framed(body: Buffer): Buffer {
  const prefix = Buffer.alloc(prefixBytes)
  prefix.writeUInt32BE(body.length, 1)
  return Buffer.concat([prefix, body])
}

const kinds = { number: 0, bytes: 2 } as const

function encode(message: Message): Buffer {
  const parts: Buffer[] = []
  const bytes = (field: number, body: Buffer): void => {
    parts.push(varint(field * 8 + kinds.bytes), varint(body.length), body)
  }
  for (const [name, value] of Object.entries(message)) {
    const field = Number(name)
    if (typeof value === 'number') parts.push(varint(field * 8 + kinds.number), varint(value))
    else if (typeof value === 'string') bytes(field, Buffer.from(value))
    else if (Array.isArray(value)) for (const each of value as readonly string[]) bytes(field, Buffer.from(each))
    else bytes(field, encode(value as Message))
  }
  return Buffer.concat(parts)
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128)
  return Buffer.from([...bytes, value])
}

function decode(body: Buffer): Fields {
  const fields = new Map<number, Buffer | number>()
  let at = 0
  const number = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = body[at++]!
      value += (byte % 128) * scale
      if (byte < 128) return value
    }
  }
  while (at < body.length) {
    const tag = number()
    const field = Math.floor(tag / 8)
    const isNumber = tag % 8 === kinds.number
    const read = number()
    const value = isNumber ? read : body.subarray(at, at + read)
    if (!isNumber) at += read
    if (!fields.has(field)) fields.set(field, value)
  }
  return fields
}
