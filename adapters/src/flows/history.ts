import { join } from 'node:path'
import { folderStorage, type LogStorage } from '@weir/store'
import type { AgentOptions } from '../agent/agent-options.js'
import type { PacketWatcher } from '../agent/datapath.js'
import type { Clock } from '../agent/clock.js'
import { makeFolder } from '../agent/folder.js'
import type { FlowBook } from '../agent/flows.js'
import { Allowance } from './allowance.js'
import { FlowRecorder } from './recorder.js'

/** Where flow history is in an agent's state folder. */
export const flowFolderIn = (stateFolder: string): string => join(stateFolder, 'flows')

/** The history that the agent's options ask for. */
export function flowHistory(
  { flowHistory: retention, stateFolder, clock }: AgentOptions,
  seq: () => number,
  report: (message: string) => void,
): FlowRecorder | undefined {
  if (retention === undefined) return undefined
  const holder = { pid: process.pid, command: process.argv.slice(1, 3).join(' '), since: clock.nowMs() }
  const path = flowFolderIn(stateFolder)
  const folder = folderStorage({ path, holder })
  const open: LogStorage['open'] = async () => {
    await makeFolder(path, 0o700)
    return folder.open()
  }
  return new FlowRecorder({ storage: { ...folder, open }, clock, seq, retention, report })
}

/** Packets a second that get names though nobody looks on, and how many at once after a quiet time. */
const unwatched = { perSecond: 500, atOnce: 4096 }

/** Both are told of packets: the book of as many as it has time for, or of some while nobody looks on, history of every one. */
export function watcherOf(book: FlowBook, history: FlowRecorder | undefined, clock: Clock): PacketWatcher {
  const allowance = new Allowance(clock, unwatched.perSecond, unwatched.atOnce)
  return {
    wanted: count => (book.isWatched ? count : allowance.take(count)),
    onBatch: batch => history?.push(batch),
    onPacket: packet => book.add(packet),
    onLost: count => {
      book.addLost(count)
      history?.addLost(count)
    },
    onSkipped: count => book.addLost(count),
  }
}
