import { programById } from 'ebpf-napi'

/** Frames to run a program for, and where in what comes of each its source port is. */
export interface Race {
  readonly program: number
  readonly frames: readonly string[]
  readonly portAt: number
  readonly context: string
}

/** Of each frame the program's result and the source port that it has then. */
export type Raced = readonly (readonly [result: number, port: number])[]

/** Run as a process of its own, on a CPU of its own: races are run as they come, each told of when it is over. */
process.on('message', ({ program: id, frames, portAt, context }: Race) => {
  const program = programById(id)
  const from = Buffer.from(context, 'base64')
  const bytes = frames.map(frame => Buffer.from(frame, 'base64'))
  const raced = bytes.map((data): [number, number] => {
    const { retval, data: after } = program.testRun({ data, context: from })
    return [retval | 0, (after[portAt]! << 8) | after[portAt + 1]!]
  })
  process.send?.(raced satisfies Raced)
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
