import { udpSocketIn } from 'netns-napi'
import type { Stage } from './stage.js'

/** Whether a connected socket of the pod is told at once that nobody takes its datagram. */
export async function isRefused(stage: Stage, pod: string, to: string, port: number): Promise<boolean> {
  const socket = await udpSocketIn(stage.netnsOf(pod), { address: stage.addressOf(pod, to.includes(':') ? 6 : 4) })
  try {
    await new Promise<void>(resolve => socket.connect(port, to, () => resolve()))
    return await new Promise(resolve => {
      const timer = setTimeout(() => resolve(false), 500)
      socket.on('error', error => {
        clearTimeout(timer)
        resolve((error as NodeJS.ErrnoException).code === 'ECONNREFUSED')
      })
      socket.send('x')
    })
  } finally {
    socket.close()
  }
}
