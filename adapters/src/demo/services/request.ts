import { connectTcpIn, NetnsError, udpSocketIn } from 'netns-napi'

/** One request: who answers. */
export interface Request {
  /** Path of the client's network namespace. */
  readonly netns: string
  readonly protocol: 'TCP' | 'UDP'
  readonly address: string
  readonly port: number
  readonly timeoutMs: number
}

/**
 * Asks whoever serves at an address for its name, and at which address it sees the client: over TCP by connecting and
 * reading to the end, over UDP by a datagram.
 *
 * @returns `web-1 10.0.0.7`
 * @throws Error with a `code`: `ECONNREFUSED`, `ECONNRESET`, `ETIMEDOUT`, …
 */
export const ask = (request: Request): Promise<string> =>
  request.protocol === 'TCP' ? askTcp(request) : askUdp(request)

async function askTcp({ netns, address, port, timeoutMs }: Request): Promise<string> {
  const socket = await connectTcpIn(netns, { address, port, timeoutMs })
  return await new Promise((resolve, reject) => {
    let said = ''
    socket.setTimeout(timeoutMs, () => socket.destroy(timedOut(address, port)))
    socket.on('data', chunk => {
      said += String(chunk)
    })
    socket.on('error', reject)
    socket.on('end', () => {
      socket.destroy()
      if (said === '') reject(Object.assign(new Error('closed without a word'), { code: 'EMPTY' }))
      else resolve(said)
    })
  })
}

async function askUdp({ netns, address, port, timeoutMs }: Request): Promise<string> {
  const socket = await udpSocketIn(netns, { address: address.includes(':') ? '::' : '0.0.0.0' })
  try {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(timedOut(address, port)), timeoutMs)
      const end = (work: () => void): void => {
        clearTimeout(timer)
        work()
      }
      socket.on('message', (message, from) => {
        // An answer that comes from elsewhere than was asked is none.
        if (from.address === address && from.port === port) end(() => resolve(String(message)))
        else end(() => reject(Object.assign(new Error(`answered by ${from.address}`), { code: 'ESTRANGER' })))
      })
      socket.on('error', error => end(() => reject(error)))
      socket.connect(port, address, () => socket.send('?'))
    })
  } finally {
    socket.close()
  }
}

const timedOut = (address: string, port: number): Error => new NetnsError(110, 'read', `${address} port ${port}`)

/** What many requests came to. */
export interface Tally {
  /** By who answered. */
  readonly answers: Readonly<Record<string, number>>
  /** By the client's address as they saw it. */
  readonly seenAs: Readonly<Record<string, number>>
  /** By the code of the error. */
  readonly failures: Readonly<Record<string, number>>
  /** Of one request, from the call to the end of the answer. */
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Requests until told otherwise: so many in all, or until `isOver`; so many at a time. */
export async function askMany(
  request: Request,
  {
    times = Number.POSITIVE_INFINITY,
    width,
    isOver = () => false,
  }: { times?: number; width: number; isOver?: () => boolean },
): Promise<Tally> {
  const answers = new Map<string, number>()
  const seenAs = new Map<string, number>()
  const failures = new Map<string, number>()
  const latencies: number[] = []
  const count = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1)
  let left = times
  const one = async (): Promise<void> => {
    while (left > 0 && !isOver()) {
      left -= 1
      const start = performance.now()
      try {
        const [name = '', address = ''] = (await ask(request)).split(' ')
        count(answers, name)
        count(seenAs, address)
        latencies.push(performance.now() - start)
      } catch (error) {
        count(failures, (error as NodeJS.ErrnoException).code ?? String(error))
      }
    }
  }
  await Promise.all(Array.from({ length: width }, one))
  latencies.sort((a, b) => a - b)
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0
  return {
    answers: sorted(answers),
    seenAs: sorted(seenAs),
    failures: sorted(failures),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  }
}

const sorted = (counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> =>
  Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
