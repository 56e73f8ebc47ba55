import type { Socket } from 'node:net'

/** Whether a connection to an echo still carries bytes there and back. */
export async function echoes(socket: Socket, timeoutMs = 1000): Promise<boolean> {
  return await new Promise(resolve => {
    const timer = setTimeout(() => resolve(false), timeoutMs)
    socket.once('data', () => {
      clearTimeout(timer)
      resolve(true)
    })
    socket.on('error', () => resolve(false))
    socket.write('still there?')
  })
}
