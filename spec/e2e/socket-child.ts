/** A process in a cgroup that makes the calls that its parent asks for: `socket-child.js CGROUP`. */
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Answer, Question } from './socket-process.js'

const datagrams = new Map<string, Datagrams>()
const timeoutMs = 2000

function tcp(host: string, port: number): Promise<Answer> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: timeoutMs })
    let said = ''
    let peer = ''
    const end = (error: string | undefined) => {
      socket.destroy()
      resolve(error === undefined ? { said, peer } : { error })
    }
    socket
      .on('connect', () => {
        peer = `${socket.remoteAddress} ${socket.remotePort}`
        socket.write('?')
      })
      .on('data', chunk => {
        said += String(chunk)
        end(undefined)
      })
      .on('end', () => end(undefined))
      .on('timeout', () => end('timeout'))
      .on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
}

/** One question from the socket of that name; all with one name are sent by one socket. */
async function udp(name: string, host: string, port: number, connected: boolean): Promise<Answer> {
  const known = datagrams.get(name)
  const socket = known ?? createSocket(host.includes(':') ? 'udp6' : 'udp4')
  datagrams.set(name, socket)
  const answer = new Promise<Answer>(resolve => {
    const timer = setTimeout(() => resolve({ error: 'timeout' }), timeoutMs)
    const done = (value: Answer) => {
      clearTimeout(timer)
      socket.removeAllListeners()
      resolve(value)
    }
    socket.on('message', (message, from) => done({ said: String(message), peer: `${from.address} ${from.port}` }))
    socket.on('error', (error: NodeJS.ErrnoException) => done({ error: error.code ?? error.message }))
    const sent = (error: Error | null) =>
      error && done({ error: (error as NodeJS.ErrnoException).code ?? error.message })
    if (!connected) socket.send('?', port, host, sent)
    else if (known !== undefined) socket.send('?', sent)
    else {
      const failed = (error?: Error) => error && sent(error)
      socket.connect(port, host, ((error?: Error) => (error ? failed(error) : socket.send('?', sent))) as () => void)
    }
  })
  return answer
}

function bind(host: string, port: number): Promise<Answer> {
  return new Promise(resolve => {
    const server = createServer()
    server.on('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.message }))
    server.listen(port, host, () => server.close(() => resolve({ said: 'bound', peer: '' })))
  })
}

/** Connections one after the other until told otherwise; every failure by its code. */
async function load(host: string, port: number, durationMs: number): Promise<Answer> {
  const failures = new Map<string, number>()
  const said = new Map<string, number>()
  const end = Date.now() + durationMs
  while (Date.now() < end) {
    const answer = await tcp(host, port)
    const [counts, key] = 'error' in answer ? [failures, answer.error] : [said, answer.said]
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return { said: JSON.stringify({ failures: Object.fromEntries(failures), said: Object.fromEntries(said) }), peer: '' }
}

/** What became of the sockets that wait: an error's code, `ended`, or still `open`. */
const held: { outcome: string }[] = []

async function hold(protocol: 'tcp' | 'udp', host: string, port: number, count: number): Promise<Answer> {
  for (let left = count; left > 0; left -= 1) {
    const state = { outcome: 'open' }
    held.push(state)
    const failed = (error: NodeJS.ErrnoException): void => {
      state.outcome = error.code ?? error.message
    }
    if (protocol === 'tcp') {
      const socket = connect({ host, port })
      await once(
        socket
          .on('error', failed)
          .on('end', () => failed(new Error('ended')))
          .resume(),
        'connect',
      )
    } else {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4').on('error', failed)
      await new Promise<void>(resolve => socket.connect(port, host, resolve))
    }
  }
  return { said: 'held', peer: '' }
}

function answerTo(question: Question): Promise<Answer> {
  const { call, host, port } = question
  if (call === 'tcp') return tcp(host, port)
  if (call === 'bind') return bind(host, port)
  if (call === 'load') return load(host, port, question.durationMs)
  if (call === 'hold') return hold(question.protocol, host, port, question.count)
  if (call === 'outcomes') return Promise.resolve({ said: held.map(({ outcome }) => outcome).join(' '), peer: '' })
  return udp(question.socket, host, port, call === 'connected-udp')
}

writeFileSync(`${process.argv[2]}/cgroup.procs`, String(process.pid))
process.on('message', (question: Question & { readonly id: number }) => {
  void answerTo(question).then(answer => process.send?.({ ...answer, id: question.id }))
})
process.on('disconnect', () => process.exit(0))
process.send?.({ id: 0, said: 'ready', peer: '' })
