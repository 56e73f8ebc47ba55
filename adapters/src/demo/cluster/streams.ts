import type { Socket } from 'node:net'
import { connectTcpIn } from 'netns-napi'
import { port } from './plan.js'
import type { ClusterPod, ClusterStage } from './stage.js'

const periodMs = 50

/** Connections that stay open and say something all the time. */
export class Streams {
  readonly #sockets: Socket[] = []
  readonly #timers: NodeJS.Timeout[] = []
  readonly #broken = new Set<Socket>()
  #answers = 0
  #longestMs = 0

  get count(): number {
    return this.#sockets.length
  }

  /** Answers that came until now. */
  get answers(): number {
    return this.#answers
  }

  /** Connections that ended. */
  get broken(): number {
    return this.#broken.size
  }

  /** Longest that one was without an answer since this was asked last, in milliseconds. */
  takeLongestMs(): number {
    const longest = this.#longestMs
    this.#longestMs = 0
    return longest
  }

  /** Opens one between two pods in each family. */
  async open(stage: ClusterStage, from: ClusterPod, to: ClusterPod): Promise<void> {
    for (const address of to.addresses) {
      const socket = await connectTcpIn(stage.netnsOf(from.name), { address, port, timeoutMs: 5000 })
      this.#sockets.push(socket)
      this.#follow(socket)
    }
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
    for (const socket of this.#sockets) socket.removeAllListeners('close').destroy()
  }

  #follow(socket: Socket): void {
    let heardAt = Date.now()
    const breaks = (): void => void this.#broken.add(socket)
    socket.on('data', () => {
      heardAt = Date.now()
      this.#answers++
    })
    socket.on('error', breaks).on('close', breaks)
    this.#timers.push(
      setInterval(() => {
        this.#longestMs = Math.max(this.#longestMs, Date.now() - heardAt)
        if (!socket.destroyed) socket.write('.')
      }, periodMs),
    )
  }
}
