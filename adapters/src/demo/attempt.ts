import { connectTcpIn, NetnsError, reachStreamIn, udpSocketIn } from 'netns-napi'
import type { Cell } from './cells.js'

/** How one try ended, as the sender saw it. */
export type Sighting =
  /** What was sent came back, or the connection stood. */
  | { readonly kind: 'answered'; readonly afterMs: number }
  /** The destination itself said no: packets pass both ways, but nobody listens. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'silent'; readonly error: string }

/** What is sent: enough to tell an echo from anything else. */
const token = Buffer.from('weir-demo-echo')

/**
 * Sends a first packet of a cell from inside the sender's namespace, and waits for the answer.
 *
 * @param timeoutMs When to take silence for an answer.
 */
export async function attempt(netns: string, cell: Cell, timeoutMs: number): Promise<Sighting> {
  const start = performance.now()
  const answered = (): Sighting => ({ kind: 'answered', afterMs: performance.now() - start })
  try {
    if (cell.protocol === 'UDP')
      return (await exchangeUdp(netns, cell, timeoutMs)) ? answered() : silent(`no answer in ${timeoutMs} ms`)
    if (cell.protocol === 'SCTP') {
      await reachStreamIn(netns, { address: cell.flow.to, port: cell.port, localAddress: cell.flow.from, timeoutMs })
      return answered()
    }
    return (await exchangeTcp(netns, cell, timeoutMs))
      ? answered()
      : silent('the connection stood but nothing came back')
  } catch (error) {
    if (!(error instanceof NetnsError)) throw error
    if (error.code === 'ECONNREFUSED') return { kind: 'refused' }
    return silent(error.code === 'ETIMEDOUT' ? `no answer in ${timeoutMs} ms` : error.message)
  }
}

async function exchangeTcp(netns: string, cell: Cell, timeoutMs: number): Promise<boolean> {
  const start = performance.now()
  const socket = await connectTcpIn(netns, {
    address: cell.flow.to,
    port: cell.port,
    localAddress: cell.flow.from,
    timeoutMs,
  })
  return await new Promise(resolve => {
    let got = ''
    const done = (whole: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(whole)
    }
    const timer = setTimeout(() => done(false), Math.max(1, timeoutMs - (performance.now() - start)))
    socket.on('data', chunk => {
      got += chunk.toString('latin1')
      if (got.length >= token.length) done(got === token.toString('latin1'))
    })
    socket.on('error', () => done(false))
    socket.on('close', () => done(false))
    socket.write(token)
  })
}

async function exchangeUdp(netns: string, cell: Cell, timeoutMs: number): Promise<boolean> {
  const socket = await udpSocketIn(netns, { address: cell.flow.from })
  return await new Promise(resolve => {
    const done = (whole: boolean): void => {
      clearTimeout(timer)
      socket.close()
      resolve(whole)
    }
    const timer = setTimeout(() => done(false), timeoutMs)
    socket.on('message', (message, from) => {
      if (from.port === cell.port && message.equals(token)) done(true)
    })
    socket.on('error', () => {})
    socket.send(token, cell.port, cell.flow.to)
  })
}

function silent(error: string): Sighting {
  return { kind: 'silent', error }
}
